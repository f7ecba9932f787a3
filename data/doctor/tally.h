// Counts of lines with some trait, the first of them kept as examples. Blocks of lines are counted
// by several threads and added up in their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/doctor/finding.h"

namespace dragoman {

/// Pairs of a set (train, dev, test) are numbered from 0 over all its corpora.
using PairNumber = std::int64_t;

class Tally {
 public:
  struct Example {
    PairNumber pair = 0;
    std::string text;
  };

  /// `at`: the byte of `text` to be seen.
  void add(PairNumber pair, std::string_view text, std::size_t at = 0);
  void add(const Tally& later);

  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] const std::vector<Example>& examples() const { return examples_; }

 private:
  std::int64_t count_ = 0;
  std::vector<Example> examples_;
};

/// Some 60 bytes of `text` around `at`, with "..." where it goes on.
[[nodiscard]] std::string excerpt(std::string_view text, std::size_t at = 0);

/// Which file and line a numbered pair stands in.
class PairPlaces {
 public:
  /// The next pairs come from these files; `target` equals `source` for TSV and JSONL.
  void begin_corpus(PairNumber first, std::string source, std::string target);

  [[nodiscard]] Place source(PairNumber pair, std::string text = {}) const;
  [[nodiscard]] Place target(PairNumber pair, std::string text = {}) const;
  /// The index of the corpus.
  [[nodiscard]] std::size_t corpus(PairNumber pair) const;

 private:
  struct Corpus {
    PairNumber first;
    std::string source;
    std::string target;
  };
  std::vector<Corpus> corpora_;
};

}  // namespace dragoman
