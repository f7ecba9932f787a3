// Multi-head attention (Vaswani et al. 2017, 3.2): self-attention with its keys and values kept
// between steps, and attention over an encoded source whose keys and values are projected once.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

#include "dragoman/modules/decoder_state.h"
#include "dragoman/modules/linear.h"
#include "dragoman/modules/masks.h"
#include "dragoman/modules/model_config.h"

namespace dragoman {

/// softmax(scale q k^T + mask) v; dropout is on the weights.
/// queries [B, H, T, K], keys and values [B, H, S, K] -> [B, H, T, K]. `scores`, unless null,
/// becomes what the softmax is taken of, [B, H, T, S].
[[nodiscard]] at::Tensor attend(const at::Tensor& queries, const at::Tensor& keys,
                                const at::Tensor& values, const AttentionMask& mask, double scale,
                                double dropout, at::Tensor* scores = nullptr);

class SelfAttentionImpl : public torch::nn::Module {
 public:
  SelfAttentionImpl(const ModelConfig& config, const StackConfig& stack);

  /// x [B, T, D] -> [B, T, D].
  at::Tensor forward(const at::Tensor& x, const AttentionMask& mask);

  /// x [R, T, D] attends to the positions in `past` and to itself. `keep`: append to `past`.
  at::Tensor forward(const at::Tensor& x, const AttentionMask& mask, DecoderState::Layer& past,
                     bool keep);

 private:
  struct Projected {
    at::Tensor queries;  ///< [B, H, T, K]
    at::Tensor keys;     ///< [B, H, T, K]
    at::Tensor values;   ///< [B, H, T, K]
  };
  Projected project(const at::Tensor& x);
  at::Tensor combine(const at::Tensor& heads);
  [[nodiscard]] double dropout() const { return is_training() ? dropout_ : 0.0; }

  std::int64_t heads_;
  double scale_;
  double dropout_;
  Linear query_key_value_{nullptr};  ///< rows: H * K of queries, H * K of keys, H * K of values
  Linear output_{nullptr};
};
TORCH_MODULE(SelfAttention);

class CrossAttentionImpl : public torch::nn::Module {
 public:
  /// Queries of width stack.dim over a memory of width memory_dim.
  CrossAttentionImpl(const ModelConfig& config, const StackConfig& stack, std::int64_t memory_dim);

  /// memory [B, S, memory_dim] -> layer.cross_keys and layer.cross_values [B, H, S, K].
  void project_memory(const at::Tensor& memory, DecoderState::Layer& layer);

  /// x [R, T, D], R a multiple of B (sentence-major) -> [R, T, D]. Leaves the scores in the layer
  /// when it asks for them.
  at::Tensor forward(const at::Tensor& x, const AttentionMask& mask, DecoderState::Layer& layer);

 private:
  std::int64_t heads_;
  double scale_;
  double dropout_;
  Linear query_{nullptr};
  Linear key_value_{nullptr};  ///< rows: H * K of keys, H * K of values
  Linear output_{nullptr};
};
TORCH_MODULE(CrossAttention);

}  // namespace dragoman
