#include "dragoman/modules/decoder.h"

#include "dragoman/modules/activation_checkpoint.h"
#include "dragoman/modules/dropout.h"
#include "dragoman/modules/residual.h"

namespace dragoman {

DecoderLayerImpl::DecoderLayerImpl(const ModelConfig& config)
    : norm_position_(config.norm), dropout_(config.dropout) {
  const StackConfig& stack = config.decoder;
  self_attention_ = register_module("self_attention", SelfAttention(config, stack));
  self_attention_norm_ = register_module("self_attention_norm", LayerNorm(config, stack.dim));
  cross_attention_ =
      register_module("cross_attention", CrossAttention(config, stack, config.encoder.dim));
  cross_attention_norm_ = register_module("cross_attention_norm", LayerNorm(config, stack.dim));
  feed_forward_ = register_module("feed_forward", FeedForward(config, stack));
  feed_forward_norm_ = register_module("feed_forward_norm", LayerNorm(config, stack.dim));
}

void DecoderLayerImpl::project_memory(const at::Tensor& memory, DecoderState::Layer& layer) {
  cross_attention_->project_memory(memory, layer);
}

at::Tensor DecoderLayerImpl::forward(const at::Tensor& x, const Masks& masks,
                                     DecoderState::Layer& layer, bool keep) {
  const Residual residual{norm_position_, is_training() ? dropout_ : 0.0};
  const at::Tensor self = residual(x, self_attention_norm_, [&](const at::Tensor& in) {
    return self_attention_->forward(in, masks.self, layer, keep);
  });
  const at::Tensor cross = residual(self, cross_attention_norm_, [&](const at::Tensor& in) {
    return cross_attention_->forward(in, masks.cross, layer);
  });
  return residual(cross, feed_forward_norm_,
                  [&](const at::Tensor& in) { return feed_forward_(in); });
}

DecoderImpl::DecoderImpl(const ModelConfig& config) : layer_drop_(config.layer_drop) {
  for (std::int64_t layer = 0; layer < config.decoder.layers; ++layer)
    layers_->push_back(DecoderLayer(config));
  register_module("layers", layers_);
  if (config.norm == NormPosition::pre)
    norm_ = register_module("norm", LayerNorm(config, config.decoder.dim));
  if (config.positions == PositionKind::relative)
    relative_positions_ = register_module(
        "relative_positions",
        RelativePositions(config, config.decoder, RelativePositionsImpl::Direction::backward));
}

DecoderState DecoderImpl::start(const at::Tensor& memory, const at::Tensor& memory_mask,
                                bool keep_self) {
  DecoderState state;
  state.layers.resize(layers_->size());
  for (std::size_t layer = 0; layer < layers_->size(); ++layer)
    layers_->at<DecoderLayerImpl>(layer).project_memory(memory, state.layers[layer]);
  state.memory_mask = memory_mask;
  state.keep_self = keep_self;
  return state;
}

at::Tensor DecoderImpl::run_layer(std::size_t index, const at::Tensor& x,
                                  const DecoderLayerImpl::Masks& masks, DecoderState& state) {
  const auto module = layers_->ptr<DecoderLayerImpl>(index);
  DecoderState::Layer& layer = state.layers[index];
  if (!checkpointing_ || !is_training() || layer.keep_scores || state.keep_self)
    return module->forward(x, masks, layer, state.keep_self);
  std::vector<at::Tensor> given = {x, layer.cross_keys, layer.cross_values};
  if (masks.self.added.defined()) given.push_back(masks.self.added);  // relative positions
  const auto run = [module, causal = masks.self.causal,
                    cross = masks.cross](const std::vector<at::Tensor>& inputs) {
    DecoderState::Layer memory;
    memory.cross_keys = inputs[1];
    memory.cross_values = inputs[2];
    const AttentionMask self{inputs.size() > 3 ? inputs[3] : at::Tensor(), causal};
    return module->forward(inputs[0], {self, cross}, memory, false);
  };
  return checkpointed(given, run);
}

at::Tensor DecoderImpl::forward(at::Tensor x, DecoderState& state) {
  const std::int64_t length = x.size(1);
  DecoderLayerImpl::Masks masks{causal_attention_mask(length, state.length, x.options()),
                                padding_attention_mask(state.memory_mask, x.scalar_type())};
  if (relative_positions_)
    masks.self = relative_positions_(masks.self, PositionRange{state.length, length}, x);
  const auto dropped = draw_dropped_layers(layers_->size(), is_training() ? layer_drop_ : 0.0);
  for (std::size_t layer = 0; layer < layers_->size(); ++layer)
    if (!dropped[layer] || state.layers[layer].keep_scores) x = run_layer(layer, x, masks, state);
  if (state.keep_self) state.length += length;
  return norm_ ? norm_(x) : x;
}

}  // namespace dragoman
