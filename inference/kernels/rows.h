// What a Transformer does to each row between two products of matrices. Plain memory, no LibTorch.
#pragma once

#include <cstdint>

namespace dragoman {

/// x [rows, dim] -> out [rows, dim]: (x - mean) / sqrt(variance + epsilon) * weight + bias (Ba et
/// al. 2016). In place when out is x.
struct LayerNormRows {
  const float* x;
  std::int64_t rows;
  std::int64_t dim;
  const float* weight;  ///< [dim]
  const float* bias;    ///< [dim]
  float epsilon;
  float* out;
};
void layer_norm_rows(const LayerNormRows& input);

void relu_in_place(float* x, std::int64_t count);
/// The exact form, with the error function.
void gelu_in_place(float* x, std::int64_t count);
void silu_in_place(float* x, std::int64_t count);

/// out [dim] = table row * scale + position row; `position` may be null.
void embed_row(const float* row, float scale, const float* position, std::int64_t dim, float* out);

/// scores [count] -> log softmax, in place.
void log_softmax(float* scores, std::int64_t count);

/// log of the sum of e^scores.
[[nodiscard]] float log_sum_exp(const float* scores, std::int64_t count);

}  // namespace dragoman
