// The best few numbers of each row and the row's log-sum-exp, in one visit of the row. Plain
// memory, no LibTorch.
#pragma once

#include <cstdint>
#include <span>

namespace dragoman {

struct TopKInput {
  const float* scores = nullptr;  ///< [rows, columns]
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t stride = 0;  ///< floats from one row to the next
  std::int64_t count = 1;   ///< wanted per row
  std::span<const std::int64_t>
      forbidden;              ///< columns that are never taken, though they count in the sum
  bool normalize = false;     ///< subtract the log-sum-exp of the row
  float* log_sums = nullptr;  ///< [rows] or null: the log-sum-exp of each row, when normalised
};

/// ids, values [rows, count]: best first, of equal ones the smaller column first. Where a row has
/// fewer permitted columns: -1 and minus infinity. NaN in a row that is normalised makes its values
/// NaN.
void top_k_rows(const TopKInput& input, std::int64_t* ids, float* values);

}  // namespace dragoman
