#include "dragoman/modules/recurrent_decoder.h"

#include <ATen/ATen.h>

#include "dragoman/modules/dropout.h"

namespace dragoman {
namespace {

/// memory [B, S, D], mask [B, S] or undefined -> [B, D] over the real positions.
at::Tensor mean_of(const at::Tensor& memory, const at::Tensor& mask) {
  if (!mask.defined()) return memory.mean(1);
  const at::Tensor weights = mask.unsqueeze(2).to(memory.scalar_type());  // [B, S, 1]
  return (memory * weights).sum(1) / weights.sum(1).clamp_min(1.0);
}

}  // namespace

RecurrentDecoderImpl::RecurrentDecoderImpl(const ModelConfig& config) : dropout_(config.dropout) {
  const std::int64_t dim = config.decoder.dim;
  for (std::int64_t layer = 0; layer < config.decoder.layers; ++layer) {
    layers_->push_back(Lstm(layer == 0 ? dim : 2 * dim, dim));
    initial_->push_back(Linear(config.encoder.dim, dim));
  }
  register_module("layers", layers_);
  register_module("initial", initial_);
  attention_ =
      register_module("attention", CrossAttention(config, config.decoder, config.encoder.dim));
  combine_ = register_module("combine", Linear(2 * dim, dim));
}

DecoderState RecurrentDecoderImpl::start(const at::Tensor& memory, const at::Tensor& memory_mask,
                                         bool keep_self) {
  DecoderState state;
  state.layers.resize(layers_->size());
  attention_->project_memory(memory, state.layers.front());
  const at::Tensor mean = mean_of(memory, memory_mask);
  for (std::size_t layer = 0; layer < layers_->size(); ++layer)
    state.layers[layer].recurrent.hidden = at::tanh(initial_->at<LinearImpl>(layer).forward(mean));
  state.memory_mask = memory_mask;
  state.keep_self = keep_self;
  return state;
}

at::Tensor RecurrentDecoderImpl::run_layer(std::size_t layer, const at::Tensor& x,
                                           DecoderState& state) {
  LstmMemory memory = state.layers[layer].recurrent;
  const std::int64_t rows = memory.hidden.size(0);
  TORCH_CHECK(x.size(0) % rows == 0, "decoder: ", x.size(0), " rows after ", rows);
  if (const std::int64_t beam = x.size(0) / rows; beam > 1) {  // the first step of a beam
    memory.hidden = memory.hidden.repeat_interleave(beam, 0);
    if (memory.cell.defined()) memory.cell = memory.cell.repeat_interleave(beam, 0);
  }
  const at::Tensor said = layers_->at<LstmImpl>(layer).forward(x, memory);
  if (state.keep_self) state.layers[layer].recurrent = memory;
  return said;
}

at::Tensor RecurrentDecoderImpl::forward(const at::Tensor& x, DecoderState& state) {
  const double probability = is_training() ? dropout_ : 0.0;
  at::Tensor h = dropout(run_layer(0, x, state), probability);
  const AttentionMask mask = padding_attention_mask(state.memory_mask, x.scalar_type());
  const at::Tensor context = attention_(h, mask, state.layers.front());  // [R, T, D]
  for (std::size_t layer = 1; layer < layers_->size(); ++layer)
    h = add_dropout(h, run_layer(layer, at::cat({h, context}, 2), state), probability);
  if (state.keep_self) state.length += x.size(1);
  return dropout(at::tanh(combine_(at::cat({context, h}, 2))), probability);
}

}  // namespace dragoman
