// Layer normalisation over the last axis (Ba et al. 2016). Statistics are fp32 for any input type.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace dragoman {

class LayerNormImpl : public torch::nn::Module {
 public:
  LayerNormImpl(std::int64_t dim, double epsilon);

  /// x [..., D] -> [..., D], in the type of x.
  at::Tensor forward(const at::Tensor& x);

 private:
  std::int64_t dim_;
  double epsilon_;
  at::Tensor weight_;  ///< [D]
  at::Tensor bias_;    ///< [D]
};
TORCH_MODULE(LayerNorm);

}  // namespace dragoman
