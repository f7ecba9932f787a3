// y = x W^T + b. Parameters keep their own type and are cast to that of the input, so that one
// fp32 model computes in fp32 or bf16.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace dragoman {

/// `parameter` in the type of `x`; itself when they agree.
[[nodiscard]] at::Tensor cast_like(const at::Tensor& parameter, const at::Tensor& x);

/// In float32 at least: for sums and logarithms that bfloat16 would spoil.
[[nodiscard]] at::Tensor at_least_float(const at::Tensor& x);

enum class LinearBias { none, own };

class LinearImpl : public torch::nn::Module {
 public:
  LinearImpl(std::int64_t inputs, std::int64_t outputs, LinearBias bias = LinearBias::own);

  /// x [..., inputs] -> [..., outputs], in the type of x.
  at::Tensor forward(const at::Tensor& x);

 private:
  at::Tensor weight_;  ///< [outputs, inputs]
  at::Tensor bias_;    ///< [outputs]; undefined without bias
};
TORCH_MODULE(Linear);

}  // namespace dragoman
