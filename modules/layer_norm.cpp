#include "dragoman/modules/layer_norm.h"

#include <ATen/ATen.h>

#include "dragoman/modules/linear.h"

namespace dragoman {

LayerNormImpl::LayerNormImpl(const ModelConfig& config, std::int64_t dim)
    : dim_(dim),
      epsilon_(config.norm_epsilon),
      weight_(register_parameter("weight", at::empty({dim}))) {
  if (config.norm_type == NormType::layer_norm)
    bias_ = register_parameter("bias", at::empty({dim}));
}

at::Tensor LayerNormImpl::forward(const at::Tensor& x) {
  if (!bias_.defined()) {
    const at::Tensor wide = at_least_float(x);
    const at::Tensor size = at::rsqrt(wide.square().mean({-1}, /*keepdim=*/true) + epsilon_);
    return (wide * size * at_least_float(weight_)).to(x.scalar_type());
  }
  const bool mixed = x.scalar_type() != weight_.scalar_type();
  // The CUDA kernel wants one type; the CPU kernel takes bf16 values with fp32 parameters.
  if (mixed && !x.is_cpu())
    return at::layer_norm(x.to(weight_.scalar_type()), {dim_}, weight_, bias_, epsilon_)
        .to(x.scalar_type());
  return at::layer_norm(x, {dim_}, weight_, bias_, epsilon_);
}

}  // namespace dragoman
