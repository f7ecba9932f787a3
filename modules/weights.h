// Moves parameters between a module and a map of named tensors. Tied parameters appear once, under
// the name that named_parameters() gives.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace torch::nn {
class Module;
}

namespace dragoman {

/// Detached CPU copies are not made: the tensors share memory with the module.
[[nodiscard]] std::map<std::string, at::Tensor> named_weights(const torch::nn::Module& module);

/// Copies `weights` into the module's parameters. Returns every problem ("decoder.norm.weight:
/// missing", "...: has shape [8, 4], the model needs [8, 8]", "...: unknown name"); empty: all is
/// copied. Nothing is copied when there is a problem.
[[nodiscard]] std::vector<std::string> load_weights(
    torch::nn::Module& module, const std::map<std::string, at::Tensor>& weights);

}  // namespace dragoman
