// AdamW, Adam and SGD with momentum on LibTorch's fused kernels: one pass over parameters,
// gradients and moments, on CPU and CUDA. With training.shard_optimizer each rank keeps the moments
// of its part of the parameters only (training/ranks/parameter_shards.h).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dragoman/training/ranks/communicator.h"
#include "dragoman/training/ranks/parameter_shards.h"
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
    /// Adam: first, second; sgd: momentum. As `value`, or of this rank's part of it, flat.
    std::vector<at::Tensor> moments;
    double learning_rate_factor = 1.0;  ///< 0: frozen, and no gradient is computed for it
  };

  /// Takes the parameters of `module`, on the device where they lie now. Weight decay applies to
  /// parameters of two and more dimensions. A tied parameter counts once. Throws UsageError for a
  /// pattern of config.groups that no parameter has, or when none is left to train. `communicator`
  /// (null: one process) is that of the ranks that share the state, if they do; then step, state
  /// and share_state are calls of all ranks, with the same gradients, and throw SystemError as
  /// Communicator::sum.
  Optimizer(const TrainingConfig& config, const torch::nn::Module& module,
            Communicator* communicator = nullptr);

  /// One step of size `learning_rate`; parameters without a gradient are left out. grad_scale []
  /// float divides the gradients (undefined: 1), which are of no use afterwards. not_finite []
  /// float: where it is 1 nothing changes, without anything being read back from the device.
  void step(double learning_rate, const at::Tensor& grad_scale, const at::Tensor& not_finite);
  /// Frees the gradients.
  void zero_grad();

  [[nodiscard]] const std::vector<Parameter>& parameters() const { return parameters_; }

  /// Everything to be stored, under names such as "exp_avg.encoder.norm.weight"; the same whether
  /// ranks share it or not. Shares memory, but what ranks share: that is collected on the CPU of
  /// rank 0, and the others get nothing.
  [[nodiscard]] std::map<std::string, at::Tensor> state() const;
  /// Copies `state` in. Returns every problem, and then has changed nothing. Of several ranks the
  /// first alone need call it, before all call share_state.
  [[nodiscard]] std::vector<std::string> load_state(const std::map<std::string, at::Tensor>& state);
  /// Gives all ranks of `communicator` the state of rank 0, of which parts are theirs what it
  /// loaded.
  void share_state(Communicator& communicator);
  /// How many numbers of moments this rank keeps.
  [[nodiscard]] std::int64_t state_size() const;

 private:
  struct Group;  ///< the tensor lists of one call of a fused kernel
  void set_groups(const std::vector<ParameterGroup>& groups);
  Group& group_of(const Parameter& parameter, std::vector<Group>& groups) const;
  void apply(const Group& group, double learning_rate, const at::Tensor& grad_scale,
             const at::Tensor& not_finite);
  /// This rank's part of `tensor`, which is shaped as the parameter.
  [[nodiscard]] at::Tensor part_of(const at::Tensor& tensor, std::size_t parameter) const;
  /// Of moment `index` of `parameter`.
  [[nodiscard]] std::string moment_name(std::size_t parameter, std::size_t index) const;
  void share_parts(Communicator& communicator);

  OptimizerKind kind_;
  double beta1_, beta2_, epsilon_, momentum_, weight_decay_;
  std::vector<Parameter> parameters_;
  at::Tensor steps_;                       ///< [parameters] float: steps that each parameter took
  std::optional<ParameterShards> shards_;  ///< of state that ranks share
  std::map<std::string, at::Tensor> loaded_;  ///< and not yet shared
};

}  // namespace dragoman
