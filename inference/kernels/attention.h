// Attention of one query to rows that lie anywhere in memory: the earlier positions of a hypothesis
// are found through pointers, so that a beam search never moves what it has computed. Plain memory,
// no LibTorch.
#pragma once

#include <cstdint>

namespace dragoman {

/// out = softmax(query k^T * scale) v for each head (Vaswani et al. 2017).
struct AttentionQuery {
  const float* query;         ///< [heads * head_dim]
  const float* const* keys;   ///< [count] rows of [heads * head_dim]
  std::int64_t value_offset;  ///< from a key's row to its value's row, in floats
  std::int64_t count;         ///< at least 1
  std::int64_t heads;
  std::int64_t head_dim;
  float scale;
  float* out;               ///< [heads * head_dim]
  float* scores = nullptr;  ///< [count] or null: becomes what `score_head`'s softmax is taken of
  std::int64_t score_head = 0;    ///< counted from 0
  float* mean_weights = nullptr;  ///< [count] or null: becomes the mean of the heads' softmaxes
};

/// Floats of scratch for so many keys.
[[nodiscard]] std::int64_t attention_scratch(std::int64_t count);

/// An output depends on its own query and keys alone, bit by bit.
void attend(const AttentionQuery& query, float* scratch);

/// out[i] = query . keys[i] * scale over `dim` floats.
void dot_products(const float* query, const float* const* keys, std::int64_t count,
                  std::int64_t dim, float scale, float* out);

/// out [dim] = sum of weights[i] * rows[i].
void weighted_sum(const float* weights, const float* const* rows, std::int64_t count,
                  std::int64_t dim, float* out);

}  // namespace dragoman
