#include "dragoman/modules/weights.h"

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <sstream>

namespace dragoman {
namespace {

std::string shape_text(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.sizes();
  return text.str();
}

}  // namespace

std::map<std::string, at::Tensor> named_weights(const torch::nn::Module& module) {
  std::map<std::string, at::Tensor> weights;
  for (const auto& parameter : module.named_parameters())
    weights.emplace(parameter.key(), parameter.value().detach());
  return weights;
}

std::vector<std::string> load_weights(torch::nn::Module& module,
                                      const std::map<std::string, at::Tensor>& weights) {
  const std::map<std::string, at::Tensor> own = named_weights(module);
  std::vector<std::string> problems;
  for (const auto& [name, parameter] : own) {
    const auto given = weights.find(name);
    if (given == weights.end()) {
      problems.push_back(name + ": missing");
    } else if (given->second.sizes() != parameter.sizes()) {
      problems.push_back(name + ": has shape " + shape_text(given->second) + ", the model needs " +
                         shape_text(parameter));
    } else if (!given->second.is_floating_point()) {
      problems.push_back(name + ": has type " + std::string(given->second.dtype().name()) +
                         ", the model needs floating-point numbers");
    }
  }
  for (const auto& [name, value] : weights)
    if (!own.contains(name)) problems.push_back(name + ": unknown name");
  if (!problems.empty()) return problems;

  const at::NoGradGuard no_grad;
  for (const auto& [name, parameter] : own)
    parameter.copy_(weights.at(name));
  return problems;
}

}  // namespace dragoman
