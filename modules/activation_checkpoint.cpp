#include "dragoman/modules/activation_checkpoint.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace dragoman {
namespace {

/// States of the generators that a layer on `device` may draw from.
class GeneratorStates {
 public:
  explicit GeneratorStates(at::Device device) {
    add(at::kCPU);
    if (!device.is_cpu()) add(device);
  }
  void restore() {
    for (auto& [generator, state] : states_) {
      const std::lock_guard lock(generator.mutex());
      generator.set_state(state);
    }
  }

 private:
  void add(at::Device device) {
    at::Generator generator = at::globalContext().defaultGenerator(device);
    const std::lock_guard lock(generator.mutex());
    states_.emplace_back(generator, generator.get_state());
  }
  std::vector<std::pair<at::Generator, at::Tensor>> states_;
};

/// What backward needs besides tensors.
struct SecondRun : torch::CustomClassHolder {
  SecondRun(CheckpointedLayer run, at::Device device) : layer(std::move(run)), before(device) {}
  CheckpointedLayer layer;
  GeneratorStates before;
};

class Checkpoint : public torch::autograd::Function<Checkpoint> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, at::TensorList inputs,
                            const CheckpointedLayer& layer) {
    auto second = c10::make_intrusive<SecondRun>(layer, inputs[0].device());
    context->saved_data["second"] = at::IValue::make_capsule(std::move(second));
    context->save_for_backward(inputs.vec());
    return layer(inputs.vec());
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    std::vector<at::Tensor> inputs;
    for (const at::Tensor& input : context->get_saved_variables())
      inputs.push_back(input.detach().requires_grad_(input.requires_grad()));
    auto second =
        c10::static_intrusive_pointer_cast<SecondRun>(context->saved_data["second"].toCapsule());
    GeneratorStates now(inputs[0].device());
    at::Tensor output;
    {
      const at::AutoGradMode with_gradients(true);
      second->before.restore();
      output = second->layer(inputs);
      now.restore();
    }
    torch::autograd::backward({output}, {gradients[0]});
    torch::autograd::variable_list result;
    for (const at::Tensor& input : inputs)
      result.push_back(input.grad());
    result.emplace_back();  // of `layer`
    return result;
  }
};

}  // namespace

at::Tensor checkpointed(const std::vector<at::Tensor>& inputs, const CheckpointedLayer& layer) {
  const bool needs_gradients =
      at::GradMode::is_enabled() && std::ranges::any_of(inputs, &at::Tensor::requires_grad);
  return needs_gradients ? Checkpoint::apply(at::TensorList(inputs), layer) : layer(inputs);
}

}  // namespace dragoman
