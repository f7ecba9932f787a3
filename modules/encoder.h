// The encoder: self-attention and feed-forward blocks, and a last norm when norms stand before.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/pimpl.h>

#include "dragoman/modules/attention.h"
#include "dragoman/modules/feed_forward.h"
#include "dragoman/modules/layer_norm.h"
#include "dragoman/modules/model_config.h"
#include "dragoman/modules/positions.h"

namespace dragoman {

class EncoderLayerImpl : public torch::nn::Module {
 public:
  explicit EncoderLayerImpl(const ModelConfig& config);
  /// x [B, S, D] -> [B, S, D].
  at::Tensor forward(const at::Tensor& x, const AttentionMask& mask);

 private:
  NormPosition norm_position_;
  double dropout_;
  SelfAttention self_attention_{nullptr};
  LayerNorm self_attention_norm_{nullptr};
  FeedForward feed_forward_{nullptr};
  LayerNorm feed_forward_norm_{nullptr};
};
TORCH_MODULE(EncoderLayer);

class EncoderImpl : public torch::nn::Module {
 public:
  explicit EncoderImpl(const ModelConfig& config);
  /// x [B, S, D], mask [B, S] bool or undefined -> memory [B, S, D].
  at::Tensor forward(at::Tensor x, const at::Tensor& mask);
  /// In training keep only what goes into a layer, see activation_checkpoint.h.
  void set_checkpointing(bool checkpointing) { checkpointing_ = checkpointing; }

 private:
  double layer_drop_;
  bool checkpointing_ = false;
  torch::nn::ModuleList layers_;
  LayerNorm norm_{nullptr};                        ///< pre-norm only
  RelativePositions relative_positions_{nullptr};  ///< of that kind of positions only
};
TORCH_MODULE(Encoder);

}  // namespace dragoman
