// The sets of sentence pairs: train, dev, test, and a test on names and numbers that training never
// shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "examples/demo/phrase.h"

namespace demo {

struct Sizes {
  std::size_t train = 16000;
  std::size_t dev = 500;
  std::size_t test = 500;
  std::size_t test_unseen = 500;
};

struct DataSet {
  std::vector<Phrase> train;
  std::vector<Phrase> dev;
  std::vector<Phrase> test;
  std::vector<Phrase> test_unseen;
};

/// No English sentence occurs twice, within a set or between sets. The same seed gives the same
/// sets everywhere.
[[nodiscard]] DataSet make_data_set(std::uint64_t seed, const Sizes& sizes);

/// One sentence, English and German.
[[nodiscard]] Phrase any_sentence(Chooser& chooser);

}  // namespace demo
