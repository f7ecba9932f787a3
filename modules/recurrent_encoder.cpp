#include "dragoman/modules/recurrent_encoder.h"

#include <ATen/ATen.h>

#include "dragoman/modules/dropout.h"

namespace dragoman {
namespace {

/// mask [B, S] -> [B, S]: the real positions in reverse, then the padding where it is.
at::Tensor reversed_places(const at::Tensor& mask) {
  const at::Tensor positions = at::arange(mask.size(1), mask.options().dtype(at::kLong));
  const at::Tensor lengths = mask.sum(1, /*keepdim=*/true);  // [B, 1]
  return at::where(mask, lengths - 1 - positions, positions);
}

at::Tensor reversed(const at::Tensor& x, const at::Tensor& places) {
  return places.defined() ? x.gather(1, places.unsqueeze(2).expand_as(x)) : x.flip(1);
}

}  // namespace

BidirectionalLstmImpl::BidirectionalLstmImpl(std::int64_t dim) {
  TORCH_CHECK(dim % 2 == 0, "a bidirectional LSTM has an even width");
  rightward_ = register_module("rightward", Lstm(dim, dim / 2));
  leftward_ = register_module("leftward", Lstm(dim, dim / 2));
}

at::Tensor BidirectionalLstmImpl::forward(const at::Tensor& x, const at::Tensor& places) {
  // Padding stands at the end both ways, so no real position sees it.
  LstmMemory rightward;
  LstmMemory leftward;
  const at::Tensor read = rightward_(x, rightward);
  return at::cat({read, reversed(leftward_(reversed(x, places), leftward), places)}, 2);
}

RecurrentEncoderImpl::RecurrentEncoderImpl(const ModelConfig& config) : dropout_(config.dropout) {
  for (std::int64_t layer = 0; layer < config.encoder.layers; ++layer)
    layers_->push_back(BidirectionalLstm(config.encoder.dim));
  register_module("layers", layers_);
}

at::Tensor RecurrentEncoderImpl::forward(at::Tensor x, const at::Tensor& mask) {
  const double probability = is_training() ? dropout_ : 0.0;
  const at::Tensor places = mask.defined() ? reversed_places(mask) : at::Tensor();
  for (std::size_t layer = 0; layer < layers_->size(); ++layer) {
    const at::Tensor read = layers_->at<BidirectionalLstmImpl>(layer).forward(x, places);
    x = layer == 0 ? dropout(read, probability) : add_dropout(x, read, probability);
  }
  return x;
}

}  // namespace dragoman
