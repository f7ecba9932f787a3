// Longest common subsequences of two texts, 64 words at a time (Hyyrö 2004, "Bit-parallel
// LCS-length computation revisited"): a thousand words against a thousand in some 20 microseconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dragoman {

/// One text is the columns, the other one the rows of the usual table. Words are small numbers.
class CommonSubsequence {
 public:
  using Words = std::span<const std::uint32_t>;

  void set_columns(Words columns);

  /// Memory: a row of bits.
  [[nodiscard]] std::int64_t length(Words rows);

  /// Sets `in_common` for each of the rows that belongs to the subsequence. Of several longest ones
  /// it is the one that rouge-score reads out of its table. Memory: a bit for each cell.
  void mark(Words rows, std::vector<bool>& in_common);

 private:
  using Bits = std::uint64_t;
  static constexpr std::size_t kBits = 64;

  /// Where a word stands in the columns.
  [[nodiscard]] const Bits* places(std::uint32_t word) const;
  /// From a row of the table to the next: a bit is 0 where the table's value steps up.
  void advance(const Bits* row, const Bits* places, Bits* next) const;
  /// The table's value in `row`, after so many columns.
  [[nodiscard]] std::int64_t value(const Bits* row, std::size_t columns) const;

  std::vector<std::uint32_t> columns_;
  std::size_t width_ = 0;              ///< Bits for each row
  std::vector<std::uint32_t> number_;  ///< of each word, in places_; 0: not in the columns
  std::vector<Bits> places_;           ///< [words of the columns + 1, width_]
  std::vector<Bits> table_;
};

}  // namespace dragoman
