// Normalisation over the last axis: NormType. Statistics are fp32 for any input type.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

#include "dragoman/modules/model_config.h"

namespace dragoman {

class LayerNormImpl : public torch::nn::Module {
 public:
  LayerNormImpl(const ModelConfig& config, std::int64_t dim);

  /// x [..., D] -> [..., D], in the type of x.
  at::Tensor forward(const at::Tensor& x);

 private:
  std::int64_t dim_;
  double epsilon_;
  at::Tensor weight_;  ///< [D]
  at::Tensor bias_;    ///< [D]; undefined in an rms_norm
};
TORCH_MODULE(LayerNorm);

}  // namespace dragoman
