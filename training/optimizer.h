// AdamW, Adam and SGD with momentum on LibTorch's fused kernels: one pass over parameters,
// gradients and moments, on CPU and CUDA.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dragoman/training/training_config.h"

namespace torch::nn {
class Module;
}

namespace dragoman {

class Optimizer {
 public:
  struct Parameter {
    std::string name;
    at::Tensor value;
    std::vector<at::Tensor> moments;    ///< Adam: first, second; sgd: momentum; as `value`
    double learning_rate_factor = 1.0;  ///< 0: frozen, and no gradient is computed for it
  };

  /// Takes the parameters of `module`, on the device where they lie now. Weight decay applies to
  /// parameters of two and more dimensions. A tied parameter counts once. Throws UsageError for a
  /// pattern of config.groups that no parameter has, or when none is left to train.
  Optimizer(const TrainingConfig& config, const torch::nn::Module& module);

  /// One step of size `learning_rate`; parameters without a gradient are left out. grad_scale []
  /// float divides the gradients (undefined: 1). not_finite [] float: where it is 1 nothing
  /// changes, without anything being read back from the device.
  void step(double learning_rate, const at::Tensor& grad_scale, const at::Tensor& not_finite);
  /// Frees the gradients.
  void zero_grad();

  [[nodiscard]] const std::vector<Parameter>& parameters() const { return parameters_; }

  /// Everything to be stored, under names such as "exp_avg.encoder.norm.weight"; shares memory.
  [[nodiscard]] std::map<std::string, at::Tensor> state() const;
  /// Copies `state` in. Returns every problem, and then has changed nothing.
  [[nodiscard]] std::vector<std::string> load_state(const std::map<std::string, at::Tensor>& state);

 private:
  struct Group;  ///< the tensor lists of one call of a fused kernel
  void set_groups(const std::vector<ParameterGroup>& groups);
  Group& group_of(const Parameter& parameter, std::vector<Group>& groups) const;
  void apply(const Group& group, double learning_rate, const at::Tensor& grad_scale,
             const at::Tensor& not_finite);
  [[nodiscard]] std::map<std::string, at::Tensor> tensors() const;

  OptimizerKind kind_;
  double beta1_, beta2_, epsilon_, momentum_, weight_decay_;
  std::vector<Parameter> parameters_;
  at::Tensor steps_;  ///< [parameters] float: steps that each parameter took
};

}  // namespace dragoman
