#include "dragoman/modules/initialize.h"

#include <ATen/ATen.h>
#include <torch/nn/module.h>

#include <cmath>
#include <cstdlib>
#include <string>

namespace dragoman {
namespace {

constexpr double kNormalDeviation = 0.02;

bool contains(const std::string& name, const char* part) {
  return name.find(part) != std::string::npos;
}

/// "encoder.layers.3.feed_forward.inner.weight" -> 4; 0 outside layers.
int layer_number(const std::string& name) {
  constexpr std::string_view kLayers = ".layers.";
  const std::size_t at = name.find(kLayers);
  return at == std::string::npos ? 0 : std::atoi(name.c_str() + at + kLayers.size()) + 1;
}

/// Queries, keys and values lie in one matrix, one above the other; so do the gates of an LSTM.
int stacked_maps(const std::string& name) {
  if (contains(name, ".query_key_value.")) return 3;
  if (contains(name, ".key_value.")) return 2;
  if (name.ends_with("_gates")) return 4;
  return 1;
}

double xavier_bound(const std::string& name, const at::Tensor& weight) {
  const auto outputs = static_cast<double>(weight.size(0) / stacked_maps(name));
  const auto inputs = static_cast<double>(weight.size(1));
  const bool divided = contains(name, "key_value.") || contains(name, ".query.");
  return std::sqrt(6.0 / (inputs + outputs)) / (divided ? std::sqrt(2.0) : 1.0);
}

void initialize_linear(const std::string& name, at::Tensor& weight, const ModelConfig& config) {
  const int layer = layer_number(name);
  const double divisor =
      config.depth_scaled_initialization ? std::sqrt(static_cast<double>(layer)) : 1.0;
  if (config.initialization == Initialization::normal) {
    weight.normal_(0.0, kNormalDeviation / divisor);
    return;
  }
  const double bound = xavier_bound(name, weight) / divisor;
  weight.uniform_(-bound, bound);
}

/// 1, so that an LSTM remembers from the beginning (Jozefowicz et al. 2015).
void open_forget_gate(at::Tensor& bias) {
  const std::int64_t dim = bias.size(0) / 4;
  bias.narrow(0, dim, dim).fill_(1.0);
}

}  // namespace

void initialize(torch::nn::Module& transformer, const ModelConfig& config) {
  const at::NoGradGuard no_grad;
  for (auto& parameter : transformer.named_parameters()) {
    const std::string& name = parameter.key();
    at::Tensor& value = parameter.value();
    if (name.ends_with("norm.weight")) {
      value.fill_(1.0);
    } else if (value.dim() < 2) {  // biases, the weight of coverage
      value.zero_();
      if (name.ends_with(".gates_bias")) open_forget_gate(value);
    } else if (layer_number(name) > 0) {
      initialize_linear(name, value, config);
    } else if (config.initialization == Initialization::normal) {
      value.normal_(0.0, kNormalDeviation);
    } else {
      value.normal_(0.0, 1.0 / std::sqrt(static_cast<double>(value.size(1))));
    }
  }
}

}  // namespace dragoman
