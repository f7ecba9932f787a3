// Which positions a query may attend to: as bool (true: may attend) outside the layers, and as the
// numbers that are added to attention scores inside. The latter are built once per forward.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace dragoman {

/// Bool mask [B, S], true at real tokens, from lengths [B] int64.
[[nodiscard]] at::Tensor padding_mask(const at::Tensor& lengths, std::int64_t size);

/// `mask` [B, S] bool or undefined; undefined as well when nothing is masked and finding that out
/// is free (on CUDA it would wait for the device).
[[nodiscard]] at::Tensor drop_full_mask(const at::Tensor& mask);

/// What is added to attention scores: 0 where a query may attend, the type's lowest finite number
/// elsewhere. Not minus infinity, so that a row without any permitted position is no NaN.
struct AttentionMask {
  at::Tensor added;     ///< broadcasts to [B, H, T, S], in the type of the scores; undefined: all
  bool causal = false;  ///< square and lower triangular, nothing else; then `added` says the same
};

/// mask [B, S] bool or undefined -> one that is the same for each query.
[[nodiscard]] AttentionMask padding_attention_mask(const at::Tensor& mask, at::ScalarType type);

/// `queries` new positions after `past` older ones: query i attends to positions 0 ... past + i.
[[nodiscard]] AttentionMask causal_attention_mask(std::int64_t queries, std::int64_t past,
                                                  const at::TensorOptions& options);

}  // namespace dragoman
