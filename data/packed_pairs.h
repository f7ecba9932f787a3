// Tokenised pairs in little memory: ids as bytes of variable length, one array for many pairs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dragoman/data/batch.h"

namespace dragoman {

/// In tokens, without </s>.
struct PairLength {
  std::int32_t source = 0;
  std::int32_t target = 0;
};

class PackedPairs {
 public:
  /// Ids are at least 0.
  void append(std::span<const std::int32_t> source, std::span<const std::int32_t> target);
  /// Gives back memory that was reserved for more.
  void shrink();

  [[nodiscard]] std::size_t size() const { return pairs_.size(); }
  [[nodiscard]] PairLength length(std::size_t pair) const { return pairs_[pair].length; }
  [[nodiscard]] Example unpack(std::size_t pair) const;

 private:
  struct Pair {
    std::size_t offset;
    PairLength length;
  };
  std::vector<std::uint8_t> bytes_;
  std::vector<Pair> pairs_;
};

}  // namespace dragoman
