// The decoder: one forward for whole targets and for single steps. What it remembers between steps
// is in the DecoderState of the caller.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/pimpl.h>

#include "dragoman/modules/attention.h"
#include "dragoman/modules/decoder_state.h"
#include "dragoman/modules/feed_forward.h"
#include "dragoman/modules/layer_norm.h"
#include "dragoman/modules/model_config.h"
#include "dragoman/modules/positions.h"

namespace dragoman {

class DecoderLayerImpl : public torch::nn::Module {
 public:
  explicit DecoderLayerImpl(const ModelConfig& config);

  struct Masks {
    AttentionMask self;
    AttentionMask cross;
  };
  /// memory [B, S, encoder D] -> layer.cross_keys, layer.cross_values.
  void project_memory(const at::Tensor& memory, DecoderState::Layer& layer);
  /// x [R, T, D] -> [R, T, D]. `keep`: append own keys and values to `layer`.
  at::Tensor forward(const at::Tensor& x, const Masks& masks, DecoderState::Layer& layer,
                     bool keep);

 private:
  NormPosition norm_position_;
  double dropout_;
  SelfAttention self_attention_{nullptr};
  LayerNorm self_attention_norm_{nullptr};
  CrossAttention cross_attention_{nullptr};
  LayerNorm cross_attention_norm_{nullptr};
  FeedForward feed_forward_{nullptr};
  LayerNorm feed_forward_norm_{nullptr};
};
TORCH_MODULE(DecoderLayer);

class DecoderImpl : public torch::nn::Module {
 public:
  explicit DecoderImpl(const ModelConfig& config);

  /// memory [B, S, encoder D], memory_mask [B, S] bool or undefined.
  DecoderState start(const at::Tensor& memory, const at::Tensor& memory_mask, bool keep_self);
  /// x [R, T, D], the T positions after the state's -> [R, T, D]. A state that keeps has T more
  /// positions afterwards; one that does not is unchanged. Layer drop spares layers whose scores
  /// are kept.
  at::Tensor forward(at::Tensor x, DecoderState& state);
  /// In training keep only what goes into a layer, see activation_checkpoint.h; not of a layer
  /// whose keys or scores are kept.
  void set_checkpointing(bool checkpointing) { checkpointing_ = checkpointing; }

 private:
  at::Tensor run_layer(std::size_t index, const at::Tensor& x, const DecoderLayerImpl::Masks& masks,
                       DecoderState& state);

  double layer_drop_;
  bool checkpointing_ = false;
  torch::nn::ModuleList layers_;
  LayerNorm norm_{nullptr};                        ///< pre-norm only
  RelativePositions relative_positions_{nullptr};  ///< of that kind of positions only
};
TORCH_MODULE(Decoder);

}  // namespace dragoman
