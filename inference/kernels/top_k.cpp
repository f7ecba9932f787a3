// Two loops over a row that is in the nearest cache after the first: lane maxima, which give both
// the row's maximum and a threshold that at least `count` numbers reach; then the sum of
// exponentials and the few blocks that hold a number above the threshold.
#include "dragoman/inference/kernels/top_k.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "dragoman/modules/kernels/multiversion.h"

namespace dragoman {
namespace {

constexpr std::int64_t kLanes = 64;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

/// exp(x) for x <= 0 to 2 ulp; below -87 what exp(-87) is; NaN for NaN. Branch-free, so that loops
/// of it vectorise.
[[gnu::always_inline]] inline float exp_of_negative(float x) {
  x = x < -87.0f ? -87.0f : x;
  const float shifted = x * 1.44269504f + 12582912.0f;  // 1.5 * 2^23: rounds to an integer
  const float power = shifted - 12582912.0f;
  float rest = x - power * 0.693359375f;
  rest = rest + power * 2.12194440e-4f;
  float p = 1.9875691500e-4f;  // Cephes' expf
  p = p * rest + 1.3981999507e-3f;
  p = p * rest + 8.3334519073e-3f;
  p = p * rest + 4.1665795894e-2f;
  p = p * rest + 1.6666665459e-1f;
  p = p * rest + 5.0000001201e-1f;
  p = p * rest * rest + rest + 1.0f;
  // Unsigned, since the sum leaves 32 bits when x is NaN.
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) +
                              (std::bit_cast<std::uint32_t>(shifted) << 23));
}

/// The best of one row so far, in the caller's memory.
struct Best {
  std::int64_t* ids;
  float* values;
  std::int64_t count;
  std::span<const std::int64_t> forbidden;
  std::int64_t found = 0;
  float threshold = kLowest;  ///< what a number must reach, or exceed once `count` are found

  void offer(float value, std::int64_t id) {
    if (found == count ? !(value > threshold) : !(value >= threshold)) return;
    if (std::ranges::find(forbidden, id) != forbidden.end()) return;
    std::int64_t place = found < count ? found++ : count - 1;
    for (; place > 0 && values[place - 1] < value; --place) {
      values[place] = values[place - 1];
      ids[place] = ids[place - 1];
    }
    values[place] = value;
    ids[place] = id;
    if (found == count) threshold = values[count - 1];
  }
};

[[gnu::always_inline]] inline void lane_maxima(const float* row, std::int64_t columns,
                                               float* lanes) {
  for (std::int64_t lane = 0; lane < kLanes; ++lane)
    lanes[lane] = kLowest;
  for (std::int64_t start = 0; start + kLanes <= columns; start += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      lanes[lane] = row[start + lane] > lanes[lane] ? row[start + lane] : lanes[lane];
}

/// Adds exp(row - highest) to sums [kLanes].
[[gnu::always_inline]] inline void add_exponentials(const float* row, std::int64_t columns,
                                                    float highest, float* sums) {
  for (std::int64_t start = 0; start + kLanes <= columns; start += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      sums[lane] += exp_of_negative(row[start + lane] - highest);
}

/// The first block at or after `start` with a number that reaches the threshold.
[[gnu::always_inline]] inline std::int64_t next_block(const float* row, std::int64_t start,
                                                      std::int64_t end, float threshold) {
  for (; start < end; start += kLanes) {
    int any = 0;
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      any |= row[start + lane] >= threshold ? 1 : 0;
    if (any != 0) break;
  }
  return start;
}

[[gnu::always_inline]] inline void top_k_row(const float* row, const TopKInput& input,
                                             std::int64_t* ids, float* values, float* log_sum_out) {
  std::fill_n(ids, input.count, -1);
  std::fill_n(values, input.count, kLowest);
  const std::int64_t blocks_end = input.columns / kLanes * kLanes;

  alignas(64) std::array<float, kLanes> lanes;
  lane_maxima(row, input.columns, lanes.data());
  float highest = *std::max_element(lanes.begin(), lanes.end());
  for (std::int64_t column = blocks_end; column < input.columns; ++column)
    highest = std::max(highest, row[column]);

  Best best{ids, values, input.count, input.forbidden};
  const auto needed = input.count + static_cast<std::int64_t>(input.forbidden.size());
  if (blocks_end > 0 && needed <= kLanes) {
    std::array<float, kLanes> sorted = lanes;
    std::nth_element(sorted.begin(), sorted.begin() + (needed - 1), sorted.end(), std::greater<>());
    best.threshold = sorted[needed - 1];
  }
  for (std::int64_t start = next_block(row, 0, blocks_end, best.threshold); start < blocks_end;
       start = next_block(row, start + kLanes, blocks_end, best.threshold))
    for (std::int64_t column = start; column < start + kLanes; ++column)
      best.offer(row[column], column);
  for (std::int64_t column = blocks_end; column < input.columns; ++column)
    best.offer(row[column], column);
  if (!input.normalize) return;

  alignas(64) std::array<float, kLanes> sums{};
  add_exponentials(row, input.columns, highest, sums.data());
  double sum = 0.0;
  for (const float part : sums)
    sum += part;
  for (std::int64_t column = blocks_end; column < input.columns; ++column)
    sum += exp_of_negative(row[column] - highest);
  const auto log_sum = static_cast<float>(highest + std::log(sum));
  for (std::int64_t rank = 0; rank < input.count; ++rank)
    values[rank] -= log_sum;
  if (log_sum_out != nullptr) *log_sum_out = log_sum;
}

}  // namespace

DRAGOMAN_MULTIVERSION
void top_k_rows(const TopKInput& input, std::int64_t* ids, float* values) {
  for (std::int64_t row = 0; row < input.rows; ++row)
    top_k_row(input.scores + row * input.stride, input, ids + row * input.count,
              values + row * input.count,
              input.log_sums == nullptr ? nullptr : input.log_sums + row);
}

}  // namespace dragoman
