#include "dragoman/inference/models/quantization.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

constexpr const char* kScale = "_scale";

bool is_matrix(const std::string& name, const at::Tensor& weight) {
  return weight.dim() == 2 && weight.size(0) > 1 && name.ends_with(".weight") &&
         !name.ends_with("positions.weight");
}

void add_int8(const std::string& name, const at::Tensor& weight, NamedTensors& stored) {
  const at::Tensor scale = weight.abs().amax(1) / 127.0;  // [rows]
  const at::Tensor divisor = scale.masked_fill(scale.eq(0.0), 1.0).unsqueeze(1);
  stored[name] = (weight / divisor).round().clamp(-127, 127).to(at::kChar);
  stored[name + kScale] = scale;
}

}  // namespace

NamedTensors quantize_weights(const NamedTensors& weights, Precision precision,
                              const std::string& path) {
  NamedTensors stored;
  for (const auto& [name, given] : weights) {
    const at::Tensor weight = given.to(at::kFloat);
    if (!weight.isfinite().all().item<bool>())
      throw ModelError(
          fmt::format("{}: {} holds numbers that are not finite. Use a checkpoint from before "
                      "training diverged.",
                      path, name));
    if (!is_matrix(name, weight) || precision == Precision::fp32)
      stored[name] = weight;
    else if (precision == Precision::bf16)
      stored[name] = weight.to(at::kBFloat16);
    else
      add_int8(name, weight, stored);
  }
  return stored;
}

Precision stored_precision(const NamedTensors& weights) {
  for (const auto& [name, weight] : weights) {
    if (weight.scalar_type() == at::kChar) return Precision::int8;
    if (weight.scalar_type() == at::kBFloat16) return Precision::bf16;
  }
  return Precision::fp32;
}

void restore_weights(NamedTensors& weights, const std::string& path) {
  const auto refuse = [&path](const std::string& name, const char* problem) {
    throw ModelError(fmt::format("{}: {} {}. The file is damaged; quantise the model again.", path,
                                 name, problem));
  };
  NamedTensors restored;
  for (const auto& [name, weight] : weights) {
    if (name.ends_with(kScale)) {
      if (!weights.contains(name.substr(0, name.size() - std::string_view(kScale).size())))
        refuse(name, "is the scale of no weight");
      continue;
    }
    if (weight.scalar_type() != at::kChar) {
      restored[name] = weight.scalar_type() == at::kBFloat16 ? weight.to(at::kFloat) : weight;
      continue;
    }
    const auto scale = weights.find(name + kScale);
    if (scale == weights.end()) refuse(name, "has integers but no scale");
    const bool fits = weight.dim() == 2 && scale->second.dim() == 1 &&
                      scale->second.size(0) == weight.size(0) &&
                      scale->second.scalar_type() == at::kFloat;
    if (!fits) refuse(scale->first, "does not fit its weight");
    if (!scale->second.isfinite().all().item<bool>())
      refuse(scale->first, "holds numbers that are not finite");
    restored[name] = weight.to(at::kFloat) * scale->second.unsqueeze(1);
  }
  weights = std::move(restored);
}

}  // namespace dragoman
