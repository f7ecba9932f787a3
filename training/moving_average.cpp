#include "dragoman/training/moving_average.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace dragoman {

MovingAverage::MovingAverage(double decay, std::span<const Optimizer::Parameter> parameters)
    : decay_(decay) {
  for (const Optimizer::Parameter& parameter : parameters) {
    names_.push_back(parameter.name);
    weights_.push_back(parameter.value.detach());
    averages_.push_back(parameter.value.detach().clone());
  }
}

void MovingAverage::add() {
  const at::NoGradGuard no_grad;
  const auto count = static_cast<double>(++updates_);
  at::_foreach_lerp_(averages_, weights_, 1.0 - std::min(decay_, (1.0 + count) / (10.0 + count)));
}

void MovingAverage::swap() {
  const at::NoGradGuard no_grad;
  for (std::size_t index = 0; index < weights_.size(); ++index) {
    const at::Tensor weight = weights_[index].clone();
    weights_[index].copy_(averages_[index]);
    averages_[index].copy_(weight);
  }
}

void MovingAverage::restart(std::int64_t updates) {
  const at::NoGradGuard no_grad;
  at::_foreach_copy_(averages_, weights_);
  updates_ = updates;
}

std::map<std::string, at::Tensor> MovingAverage::weights() const {
  std::map<std::string, at::Tensor> named;
  for (std::size_t index = 0; index < names_.size(); ++index)
    named[names_[index]] = averages_[index];
  return named;
}

}  // namespace dragoman
