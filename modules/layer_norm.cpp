#include "dragoman/modules/layer_norm.h"

#include <ATen/ATen.h>

namespace dragoman {

LayerNormImpl::LayerNormImpl(std::int64_t dim, double epsilon)
    : dim_(dim),
      epsilon_(epsilon),
      weight_(register_parameter("weight", at::empty({dim}))),
      bias_(register_parameter("bias", at::empty({dim}))) {}

at::Tensor LayerNormImpl::forward(const at::Tensor& x) {
  const bool mixed = x.scalar_type() != weight_.scalar_type();
  // The CUDA kernel wants one type; the CPU kernel takes bf16 values with fp32 parameters.
  if (mixed && !x.is_cpu())
    return at::layer_norm(x.to(weight_.scalar_type()), {dim_}, weight_, bias_, epsilon_)
        .to(x.scalar_type());
  return at::layer_norm(x, {dim_}, weight_, bias_, epsilon_);
}

}  // namespace dragoman
