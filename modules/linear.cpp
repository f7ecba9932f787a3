#include "dragoman/modules/linear.h"

#include <ATen/ATen.h>

#include "dragoman/modules/matrix_product.h"

namespace dragoman {

at::Tensor cast_like(const at::Tensor& parameter, const at::Tensor& x) {
  return parameter.scalar_type() == x.scalar_type() ? parameter : parameter.to(x.scalar_type());
}

at::Tensor at_least_float(const at::Tensor& x) {
  return x.scalar_type() == at::kDouble ? x : x.to(at::kFloat);
}

LinearImpl::LinearImpl(std::int64_t inputs, std::int64_t outputs, LinearBias bias)
    : weight_(register_parameter("weight", at::empty({outputs, inputs}))) {
  if (bias == LinearBias::own) bias_ = register_parameter("bias", at::empty({outputs}));
}

at::Tensor LinearImpl::forward(const at::Tensor& x) {
  return linear(x, cast_like(weight_, x), bias_.defined() ? cast_like(bias_, x) : at::Tensor());
}

}  // namespace dragoman
