// An even sample of a stream of pairs in bounded memory: all of them while they fit, then each half
// of what was kept before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/doctor/tally.h"

namespace dragoman {

class PairSample {
 public:
  struct Pair {
    PairNumber number = 0;
    std::string source;
    std::string target;
  };

  /// Keeps at most so many pairs, and bytes of text.
  explicit PairSample(std::size_t most_pairs = 200000, std::size_t most_bytes = 64U << 20)
      : most_pairs_(most_pairs), most_bytes_(most_bytes) {}

  void add(PairNumber number, std::string_view source, std::string_view target);
  /// In their order. Which ones depends on their numbers alone.
  [[nodiscard]] const std::vector<Pair>& pairs() const { return pairs_; }
  [[nodiscard]] bool is_whole() const { return halvings_ == 0; }

 private:
  [[nodiscard]] bool is_chosen(PairNumber number) const;
  void halve();

  std::size_t most_pairs_;
  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  int halvings_ = 0;
  std::vector<Pair> pairs_;
};

}  // namespace dragoman
