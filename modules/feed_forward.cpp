#include "dragoman/modules/feed_forward.h"

#include <ATen/ATen.h>

#include "dragoman/modules/dropout.h"

namespace dragoman {
namespace {

at::Tensor activate(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::relu:
      return at::relu(x);
    case Activation::gelu:
      return at::gelu(x);
    case Activation::gelu_new:
      return at::gelu(x, "tanh");
    case Activation::silu:
      return at::silu(x);
  }
  TORCH_INTERNAL_ASSERT(false, "unknown activation");
}

}  // namespace

FeedForwardImpl::FeedForwardImpl(const ModelConfig& config, const StackConfig& stack)
    : activation_(config.activation), dropout_(config.activation_dropout) {
  const LinearBias bias = config.linear_bias ? LinearBias::own : LinearBias::none;
  if (config.gated_feed_forward)
    gate_ = register_module("gate", Linear(stack.dim, stack.feed_forward, bias));
  inner_ = register_module("inner", Linear(stack.dim, stack.feed_forward, bias));
  outer_ = register_module("outer", Linear(stack.feed_forward, stack.dim, bias));
}

at::Tensor FeedForwardImpl::forward(const at::Tensor& x) {
  at::Tensor hidden = activate(gate_ ? gate_(x) : inner_(x), activation_);  // [..., F]
  if (gate_) hidden = hidden * inner_(x);
  if (is_training()) hidden = dropout(hidden, dropout_);
  return outer_(hidden);
}

}  // namespace dragoman
