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
    case Activation::silu:
      return at::silu(x);
  }
  TORCH_INTERNAL_ASSERT(false, "unknown activation");
}

}  // namespace

FeedForwardImpl::FeedForwardImpl(const ModelConfig& config, const StackConfig& stack)
    : activation_(config.activation), dropout_(config.activation_dropout) {
  inner_ = register_module("inner", Linear(stack.dim, stack.feed_forward));
  outer_ = register_module("outer", Linear(stack.feed_forward, stack.dim));
}

at::Tensor FeedForwardImpl::forward(const at::Tensor& x) {
  at::Tensor hidden = activate(inner_(x), activation_);  // [..., F]
  if (is_training()) hidden = dropout(hidden, dropout_);
  return outer_(hidden);
}

}  // namespace dragoman
