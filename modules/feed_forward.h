// The position-wise block: two linear maps with a non-linearity between them, or gated (Shazeer
// 2020, "GLU variants improve Transformer"): outer(activation(gate(x)) * inner(x)).
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "dragoman/modules/linear.h"
#include "dragoman/modules/model_config.h"

namespace dragoman {

class FeedForwardImpl : public torch::nn::Module {
 public:
  FeedForwardImpl(const ModelConfig& config, const StackConfig& stack);

  /// x [..., D] -> [..., D].
  at::Tensor forward(const at::Tensor& x);

 private:
  Activation activation_;
  double dropout_;
  Linear gate_{nullptr};  ///< null unless gated
  Linear inner_{nullptr};
  Linear outer_{nullptr};
};
TORCH_MODULE(FeedForward);

}  // namespace dragoman
