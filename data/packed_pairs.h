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
  void append(const Example& example);
  /// Gives back memory that was reserved for more.
  void shrink();

  [[nodiscard]] std::size_t size() const { return pairs_.size(); }
  [[nodiscard]] PairLength length(std::size_t pair) const { return pairs_[pair].length; }
  [[nodiscard]] Example unpack(std::size_t pair) const;

 private:
  /// Copy ids that equal the source, as with one vocabulary for both sides, take no memory.
  enum class CopyIds : std::uint8_t { none, source, own };
  struct Pair {
    std::size_t offset;
    PairLength length;
    CopyIds copy_ids;
    std::int32_t links;
  };
  std::vector<std::uint8_t> bytes_;
  std::vector<Pair> pairs_;
};

/// Blocks of pairs that were packed by several threads, seen as one sequence.
class PairBlocks {
 public:
  /// Appends `count` empty blocks, to be filled in place, and returns the number of the first.
  std::size_t grow(std::size_t count);
  [[nodiscard]] PackedPairs& block(std::size_t index) { return blocks_[index]; }
  /// Numbers the pairs, once all blocks are filled; before the functions below.
  void finish();

  [[nodiscard]] std::vector<PairLength> lengths() const;
  [[nodiscard]] std::size_t size() const { return ends_.empty() ? 0 : ends_.back(); }
  [[nodiscard]] Example unpack(std::size_t pair) const;

 private:
  std::vector<PackedPairs> blocks_;
  std::vector<std::size_t> ends_;  ///< pairs up to the end of each block
};

}  // namespace dragoman
