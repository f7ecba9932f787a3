#include "dragoman/inference/kernels/rows.h"

#include <cmath>

#include "dragoman/modules/kernels/multiversion.h"
#include "dragoman/modules/kernels/number.h"

namespace dragoman {
namespace {

/// Sums run in so many lanes, in the same order on every processor.
constexpr std::int64_t kLanes = 32;

[[gnu::always_inline]] inline float sum_of(const float (&lanes)[kLanes]) {
  float sum = 0.0f;
  for (const float lane : lanes)
    sum += lane;
  return sum;
}

[[gnu::always_inline]] inline void layer_norm_row(const LayerNormRows& in, const float* x,
                                                  float* out) {
  const std::int64_t blocks = in.dim / kLanes * kLanes;
  float sums[kLanes] = {};
  for (std::int64_t start = 0; start < blocks; start += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      sums[lane] += x[start + lane];
  float total = sum_of(sums);
  for (std::int64_t column = blocks; column < in.dim; ++column)
    total += x[column];
  const float mean = total / static_cast<float>(in.dim);

  float squares[kLanes] = {};
  for (std::int64_t start = 0; start < blocks; start += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const float difference = x[start + lane] - mean;
      squares[lane] += difference * difference;
    }
  float square = sum_of(squares);
  for (std::int64_t column = blocks; column < in.dim; ++column)
    square += (x[column] - mean) * (x[column] - mean);
  const float inverse = 1.0f / std::sqrt(square / static_cast<float>(in.dim) + in.epsilon);
  for (std::int64_t column = 0; column < in.dim; ++column)
    out[column] = (x[column] - mean) * inverse * in.weight[column] + in.bias[column];
}

[[gnu::always_inline]] inline float sum_of_exponentials(const float* scores, std::int64_t count,
                                                        float highest) {
  const std::int64_t blocks = count / kLanes * kLanes;
  float sums[kLanes] = {};
  for (std::int64_t start = 0; start < blocks; start += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      sums[lane] += kernels::exponential(scores[start + lane] - highest);
  double sum = 0.0;
  for (const float lane : sums)
    sum += lane;
  for (std::int64_t column = blocks; column < count; ++column)
    sum += kernels::exponential(scores[column] - highest);
  return static_cast<float>(sum);
}

[[gnu::always_inline]] inline float maximum(const float* scores, std::int64_t count) {
  const std::int64_t blocks = count / kLanes * kLanes;
  float lanes[kLanes];
  for (float& lane : lanes)
    lane = scores[0];
  for (std::int64_t start = 0; start < blocks; start += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane)
      lanes[lane] = scores[start + lane] > lanes[lane] ? scores[start + lane] : lanes[lane];
  float highest = scores[0];
  for (const float lane : lanes)
    highest = lane > highest ? lane : highest;
  for (std::int64_t column = blocks; column < count; ++column)
    highest = scores[column] > highest ? scores[column] : highest;
  return highest;
}

[[gnu::always_inline]] inline float log_sum(const float* scores, std::int64_t count) {
  const float highest = maximum(scores, count);
  return highest + std::log(sum_of_exponentials(scores, count, highest));
}

}  // namespace

DRAGOMAN_MULTIVERSION
void layer_norm_rows(const LayerNormRows& input) {
  for (std::int64_t row = 0; row < input.rows; ++row)
    layer_norm_row(input, input.x + row * input.dim, input.out + row * input.dim);
}

DRAGOMAN_MULTIVERSION
void relu_in_place(float* x, std::int64_t count) {
  for (std::int64_t index = 0; index < count; ++index)
    x[index] = x[index] < 0.0f ? 0.0f : x[index];  // NaN stays
}

void gelu_in_place(float* x, std::int64_t count) {
  for (std::int64_t index = 0; index < count; ++index)
    x[index] = 0.5f * x[index] * (1.0f + std::erf(x[index] * 0.70710678f));
}

DRAGOMAN_MULTIVERSION
void silu_in_place(float* x, std::int64_t count) {
  for (std::int64_t index = 0; index < count; ++index) {
    const float bounded = x[index] < -80.0f ? -80.0f : x[index];
    x[index] = x[index] / (1.0f + kernels::exponential(-bounded));
  }
}

DRAGOMAN_MULTIVERSION
void embed_row(const float* row, float scale, const float* position, std::int64_t dim, float* out) {
  if (position == nullptr) {
    for (std::int64_t column = 0; column < dim; ++column)
      out[column] = row[column] * scale;
    return;
  }
  for (std::int64_t column = 0; column < dim; ++column)
    out[column] = row[column] * scale + position[column];
}

DRAGOMAN_MULTIVERSION
void log_softmax(float* scores, std::int64_t count) {
  const float sum = log_sum(scores, count);
  for (std::int64_t column = 0; column < count; ++column)
    scores[column] -= sum;
}

DRAGOMAN_MULTIVERSION
float log_sum_exp(const float* scores, std::int64_t count) {
  return log_sum(scores, count);
}

}  // namespace dragoman
