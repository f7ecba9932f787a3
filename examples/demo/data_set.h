// The sets of sentence pairs: train, dev, test, and two tests on what training never shows: names
// and numbers; and whatever has to be copied, emoji and words of other scripts included.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "examples/demo/phrase.h"

namespace demo {

struct Sizes {
  std::size_t train = 64000;
  std::size_t dev = 500;
  std::size_t test = 500;
  std::size_t test_unseen = 500;
  std::size_t test_copies = 400;  ///< a quarter for each kind of word
};

/// A pair and the words, not in training, that must come out as they stand in the source.
struct CopyCase {
  Phrase pair;
  std::vector<SpecialWord> words;
};

struct DataSet {
  std::vector<Phrase> train;
  std::vector<Phrase> dev;
  std::vector<Phrase> test;
  std::vector<Phrase> test_unseen;
  std::vector<CopyCase> test_copies;
};

/// No English sentence occurs twice, within a set or between sets. The same seed gives the same
/// sets everywhere.
[[nodiscard]] DataSet make_data_set(std::uint64_t seed, const Sizes& sizes);

/// One sentence, English and German.
[[nodiscard]] Phrase any_sentence(Chooser& chooser);

}  // namespace demo
