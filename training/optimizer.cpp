#include "dragoman/training/optimizer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <torch/nn/module.h>

#include <algorithm>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

std::vector<std::string> moment_names(OptimizerKind kind, double momentum) {
  if (kind != OptimizerKind::sgd) return {"exp_avg", "exp_avg_sq"};
  if (momentum > 0.0) return {"momentum"};
  return {};
}

std::optional<at::Tensor> optional(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt;
}

}  // namespace

struct Optimizer::Group {
  double weight_decay = 0.0;
  double learning_rate_factor = 1.0;
  std::vector<at::Tensor> values{}, gradients{}, first{}, second{}, steps{};
};

Optimizer::Optimizer(const TrainingConfig& config, const torch::nn::Module& module)
    : kind_(config.optimizer),
      beta1_(config.beta1),
      beta2_(config.beta2),
      epsilon_(config.epsilon),
      momentum_(config.momentum),
      weight_decay_(config.weight_decay) {
  const std::size_t moments = moment_names(kind_, momentum_).size();
  for (const auto& item : module.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    Parameter parameter{item.key(), item.value(), {}};
    for (std::size_t index = 0; index < moments; ++index)
      parameter.moments.push_back(
          at::zeros_like(item.value().detach(), at::MemoryFormat::Contiguous));
    parameters_.push_back(std::move(parameter));
  }
  set_groups(config.groups);
  const auto count = static_cast<std::int64_t>(parameters_.size());
  TORCH_CHECK(count > 0, "a module without parameters cannot be trained");
  steps_ = at::zeros({count}, parameters_.front().value.options().dtype(at::kFloat));
}

void Optimizer::set_groups(const std::vector<ParameterGroup>& groups) {
  for (const ParameterGroup& group : groups) {
    bool is_found = false;
    for (Parameter& parameter : parameters_) {
      if (fnmatch(group.pattern.c_str(), parameter.name.c_str(), 0) != 0) continue;
      parameter.learning_rate_factor = group.learning_rate;
      is_found = true;
    }
    if (!is_found)
      throw UsageError(
          fmt::format("training.groups: no parameter is named like \"{}\". They are named like {}; "
                      "* stands for "
                      "any characters (dragoman inspect MODEL.pt lists them).",
                      group.pattern, parameters_.front().name));
  }
  bool is_any_trained = false;
  for (Parameter& parameter : parameters_) {
    const bool is_trained = parameter.learning_rate_factor > 0.0;
    parameter.value.set_requires_grad(is_trained);
    is_any_trained = is_any_trained || is_trained;
  }
  if (!is_any_trained)
    throw UsageError(
        "training.groups: all parameters have learning_rate 0, so that there is nothing to train.");
}

Optimizer::Group& Optimizer::group_of(const Parameter& parameter,
                                      std::vector<Group>& groups) const {
  const double decay = parameter.value.dim() >= 2 ? weight_decay_ : 0.0;
  const auto found = std::ranges::find_if(groups, [&](const Group& group) {
    return group.weight_decay == decay &&
           group.learning_rate_factor == parameter.learning_rate_factor;
  });
  if (found != groups.end()) return *found;
  return groups.emplace_back(Group{decay, parameter.learning_rate_factor});
}

void Optimizer::step(double learning_rate, const at::Tensor& grad_scale,
                     const at::Tensor& not_finite) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> steps = steps_.unbind();
  std::vector<at::Tensor> used;
  std::vector<Group> groups;
  for (std::size_t index = 0; index < parameters_.size(); ++index) {
    const Parameter& parameter = parameters_[index];
    const at::Tensor& gradient = parameter.value.grad();
    if (!gradient.defined()) continue;
    Group& group = group_of(parameter, groups);
    group.values.push_back(parameter.value);
    group.gradients.push_back(gradient.contiguous());
    if (!parameter.moments.empty()) group.first.push_back(parameter.moments[0]);
    if (parameter.moments.size() > 1) group.second.push_back(parameter.moments[1]);
    group.steps.push_back(steps[index]);
    used.push_back(steps[index]);
  }
  const at::Tensor advance =
      not_finite.defined() ? 1.0 - not_finite : at::ones({}, steps_.options());
  if (used.size() == parameters_.size()) {
    steps_.add_(advance);
  } else {
    for (at::Tensor& count : used)
      count.add_(advance);
  }
  for (const Group& group : groups)
    apply(group, learning_rate * group.learning_rate_factor, grad_scale, not_finite);
  // The fused kernels leave the version counters alone; whoever caches casts of weights needs them.
  for (const Parameter& parameter : parameters_)
    if (parameter.value.grad().defined()) parameter.value.unsafeGetTensorImpl()->bump_version();
}

void Optimizer::apply(const Group& group, double learning_rate, const at::Tensor& grad_scale,
                      const at::Tensor& not_finite) {
  switch (kind_) {
    case OptimizerKind::adamw:
      at::_fused_adamw_(group.values, group.gradients, group.first, group.second, {}, group.steps,
                        learning_rate, beta1_, beta2_, group.weight_decay, epsilon_,
                        /*amsgrad=*/false, /*maximize=*/false, optional(grad_scale),
                        optional(not_finite));
      break;
    case OptimizerKind::adam:
      at::_fused_adam_(group.values, group.gradients, group.first, group.second, {}, group.steps,
                       learning_rate, beta1_, beta2_, group.weight_decay, epsilon_,
                       /*amsgrad=*/false, /*maximize=*/false, optional(grad_scale),
                       optional(not_finite));
      break;
    case OptimizerKind::sgd:
      // Momentum starts at zero, so that the first step needs no case of its own.
      at::_fused_sgd_(group.values, group.gradients, group.first, group.weight_decay, momentum_,
                      learning_rate, /*dampening=*/0.0, /*nesterov=*/false, /*maximize=*/false,
                      /*is_first_step=*/false, optional(grad_scale), optional(not_finite));
      break;
  }
}

void Optimizer::zero_grad() {
  for (Parameter& parameter : parameters_)
    parameter.value.mutable_grad().reset();
}

std::map<std::string, at::Tensor> Optimizer::tensors() const {
  const std::vector<std::string> names = moment_names(kind_, momentum_);
  std::map<std::string, at::Tensor> result{{"steps", steps_}};
  for (const Parameter& parameter : parameters_)
    for (std::size_t index = 0; index < names.size(); ++index)
      result[names[index] + "." + parameter.name] = parameter.moments[index];
  return result;
}

std::map<std::string, at::Tensor> Optimizer::state() const {
  return tensors();
}

std::vector<std::string> Optimizer::load_state(const std::map<std::string, at::Tensor>& state) {
  std::vector<std::string> problems;
  const std::map<std::string, at::Tensor> mine = tensors();
  for (const auto& [name, tensor] : mine) {
    const auto found = state.find(name);
    if (found == state.end()) {
      problems.push_back(name + ": missing");
    } else if (found->second.sizes() != tensor.sizes()) {
      problems.push_back(fmt::format("{}: has shape {}, the optimiser needs {}", name,
                                     c10::str(found->second.sizes()), c10::str(tensor.sizes())));
    }
  }
  for (const auto& [name, tensor] : state)
    if (!mine.contains(name)) problems.push_back(name + ": unknown name");
  if (!problems.empty()) return problems;
  const at::NoGradGuard no_grad;
  for (auto [name, tensor] : mine)
    tensor.copy_(state.at(name));
  return {};
}

}  // namespace dragoman
