#include "dragoman/training/optimizer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <torch/nn/module.h>

#include <algorithm>

#include "dragoman/data/error.h"
#include "dragoman/training/ranks/collectives.h"

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

Optimizer::Optimizer(const TrainingConfig& config, const torch::nn::Module& module,
                     Communicator* communicator)
    : kind_(config.optimizer),
      beta1_(config.beta1),
      beta2_(config.beta2),
      epsilon_(config.epsilon),
      momentum_(config.momentum),
      weight_decay_(config.weight_decay) {
  for (const auto& item : module.named_parameters())
    if (item.value().requires_grad()) parameters_.push_back({item.key(), item.value(), {}});
  if (config.shard_optimizer && communicator != nullptr && communicator->size() > 1) {
    std::vector<std::int64_t> sizes;
    for (const Parameter& parameter : parameters_)
      sizes.push_back(parameter.value.numel());
    shards_.emplace(sizes, *communicator);
  }
  const std::size_t moments = moment_names(kind_, momentum_).size();
  for (std::size_t index = 0; index < parameters_.size(); ++index) {
    Parameter& parameter = parameters_[index];
    const at::Tensor mine = part_of(parameter.value.detach(), index);
    for (std::size_t moment = 0; moment < moments; ++moment)
      parameter.moments.push_back(at::zeros_like(mine, at::MemoryFormat::Contiguous));
  }
  set_groups(config.groups);
  const auto count = static_cast<std::int64_t>(parameters_.size());
  TORCH_CHECK(count > 0, "a module without parameters cannot be trained");
  steps_ = at::zeros({count}, parameters_.front().value.options().dtype(at::kFloat));
}

at::Tensor Optimizer::part_of(const at::Tensor& tensor, std::size_t parameter) const {
  return shards_ ? shards_->part_of(tensor, parameter) : tensor;
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
    used.push_back(steps[index]);
    if (shards_ && shards_->part(index).count == 0) continue;
    Group& group = group_of(parameter, groups);
    group.values.push_back(part_of(parameter.value.detach(), index));
    group.gradients.push_back(part_of(gradient.contiguous(), index));
    if (!parameter.moments.empty()) group.first.push_back(parameter.moments[0]);
    if (parameter.moments.size() > 1) group.second.push_back(parameter.moments[1]);
    group.steps.push_back(steps[index]);
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
  if (shards_) {
    std::vector<at::Tensor> mine, whole;
    for (std::size_t index = 0; index < parameters_.size(); ++index) {
      whole.push_back(parameters_[index].value.detach());
      mine.push_back(part_of(whole.back(), index));
    }
    shards_->collect(mine, whole);
  }
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

std::string Optimizer::moment_name(std::size_t parameter, std::size_t index) const {
  return moment_names(kind_, momentum_)[index] + "." + parameters_[parameter].name;
}

std::map<std::string, at::Tensor> Optimizer::state() const {
  std::map<std::string, at::Tensor> result{{"steps", steps_}};
  const std::size_t moments = parameters_.front().moments.size();
  for (std::size_t moment = 0; moment < moments; ++moment) {
    std::vector<at::Tensor> mine, whole(parameters_.size());
    for (std::size_t index = 0; index < parameters_.size(); ++index) {
      const Parameter& parameter = parameters_[index];
      mine.push_back(parameter.moments[moment]);
      if (shards_ && !shards_->is_first()) continue;
      whole[index] = shards_ ? at::empty(parameter.value.sizes(), at::kFloat) : mine.back();
      result[moment_name(index, moment)] = whole[index];
    }
    if (shards_) shards_->collect(mine, whole);
  }
  return result;
}

std::vector<std::string> Optimizer::load_state(const std::map<std::string, at::Tensor>& state) {
  std::map<std::string, std::vector<std::int64_t>> wanted{{"steps", steps_.sizes().vec()}};
  for (std::size_t index = 0; index < parameters_.size(); ++index)
    for (std::size_t moment = 0; moment < parameters_[index].moments.size(); ++moment)
      wanted[moment_name(index, moment)] = parameters_[index].value.sizes().vec();
  std::vector<std::string> problems;
  for (const auto& [name, sizes] : wanted) {
    const auto found = state.find(name);
    if (found == state.end()) {
      problems.push_back(name + ": missing");
    } else if (found->second.sizes() != sizes) {
      problems.push_back(fmt::format("{}: has shape {}, the optimiser needs {}", name,
                                     c10::str(found->second.sizes()),
                                     c10::str(at::IntArrayRef(sizes))));
    }
  }
  for (const auto& [name, tensor] : state)
    if (!wanted.contains(name)) problems.push_back(name + ": unknown name");
  if (!problems.empty()) return problems;
  const at::NoGradGuard no_grad;
  steps_.copy_(state.at("steps"));
  for (std::size_t index = 0; index < parameters_.size(); ++index)
    for (std::size_t moment = 0; moment < parameters_[index].moments.size(); ++moment)
      parameters_[index].moments[moment].copy_(
          part_of(state.at(moment_name(index, moment)).contiguous(), index));
  if (shards_) loaded_ = state;
  return {};
}

void Optimizer::share_state(Communicator& communicator) {
  if (communicator.size() == 1) return;
  copy_from_first(communicator, steps_);
  if (shards_) {
    // What was not loaded is zeros, or each rank's own.
    if (of_first(communicator, !loaded_.empty())) share_parts(communicator);
    loaded_.clear();
    return;
  }
  for (const Parameter& parameter : parameters_)
    for (const at::Tensor& moment : parameter.moments)
      copy_from_first(communicator, moment);
}

void Optimizer::share_parts(Communicator& communicator) {
  const at::NoGradGuard no_grad;
  for (std::size_t index = 0; index < parameters_.size(); ++index) {
    for (std::size_t moment = 0; moment < parameters_[index].moments.size(); ++moment) {
      const at::Tensor whole = communicator.is_first()
                                   ? loaded_.at(moment_name(index, moment)).cpu().contiguous()
                                   : at::empty(parameters_[index].value.sizes(), at::kFloat);
      copy_from_first(communicator, whole);
      parameters_[index].moments[moment].copy_(part_of(whole, index));
    }
  }
}

std::int64_t Optimizer::state_size() const {
  std::int64_t size = 0;
  for (const Parameter& parameter : parameters_)
    for (const at::Tensor& moment : parameter.moments)
      size += moment.numel();
  return size;
}

}  // namespace dragoman
