#include "dragoman/modules/encoder.h"

#include "dragoman/modules/activation_checkpoint.h"
#include "dragoman/modules/dropout.h"
#include "dragoman/modules/residual.h"

namespace dragoman {

EncoderLayerImpl::EncoderLayerImpl(const ModelConfig& config)
    : norm_position_(config.norm), dropout_(config.dropout) {
  const StackConfig& stack = config.encoder;
  self_attention_ = register_module("self_attention", SelfAttention(config, stack));
  self_attention_norm_ = register_module("self_attention_norm", LayerNorm(config, stack.dim));
  feed_forward_ = register_module("feed_forward", FeedForward(config, stack));
  feed_forward_norm_ = register_module("feed_forward_norm", LayerNorm(config, stack.dim));
}

at::Tensor EncoderLayerImpl::forward(const at::Tensor& x, const AttentionMask& mask) {
  const Residual residual{norm_position_, is_training() ? dropout_ : 0.0};
  const at::Tensor attended = residual(x, self_attention_norm_, [&](const at::Tensor& in) {
    return self_attention_->forward(in, mask);
  });
  return residual(attended, feed_forward_norm_,
                  [&](const at::Tensor& in) { return feed_forward_(in); });
}

EncoderImpl::EncoderImpl(const ModelConfig& config) : layer_drop_(config.layer_drop) {
  for (std::int64_t layer = 0; layer < config.encoder.layers; ++layer)
    layers_->push_back(EncoderLayer(config));
  register_module("layers", layers_);
  if (config.norm == NormPosition::pre)
    norm_ = register_module("norm", LayerNorm(config, config.encoder.dim));
  if (config.positions == PositionKind::relative)
    relative_positions_ = register_module(
        "relative_positions",
        RelativePositions(config, config.encoder, RelativePositionsImpl::Direction::both));
}

at::Tensor EncoderImpl::forward(at::Tensor x, const at::Tensor& mask) {
  AttentionMask added = padding_attention_mask(mask, x.scalar_type());
  if (relative_positions_) added = relative_positions_(added, PositionRange{0, x.size(1)}, x);
  const auto dropped = draw_dropped_layers(layers_->size(), is_training() ? layer_drop_ : 0.0);
  for (std::size_t layer = 0; layer < layers_->size(); ++layer) {
    if (dropped[layer]) continue;
    const auto run = [module = layers_->ptr<EncoderLayerImpl>(layer),
                      causal = added.causal](const std::vector<at::Tensor>& inputs) {
      return module->forward(inputs[0], {inputs.size() > 1 ? inputs[1] : at::Tensor(), causal});
    };
    std::vector<at::Tensor> inputs = {x};
    if (added.added.defined()) inputs.push_back(added.added);  // relative positions are trained
    x = checkpointing_ && is_training() ? checkpointed(inputs, run) : run(inputs);
  }
  return norm_ ? norm_(x) : x;
}

}  // namespace dragoman
