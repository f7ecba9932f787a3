#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/import/networks.h"

namespace dragoman {
namespace {

/// The first of `names` that the file holds; the first of all when it holds none.
std::string first_held(const std::vector<std::string>& names, const WeightMap& weights) {
  const auto held =
      std::ranges::find_if(names, [&](const std::string& name) { return weights.has(name); });
  return held == names.end() ? names.front() : *held;
}

bool are_one(const std::string& name, const std::string& other, const WeightMap& weights) {
  if (name == other) return true;
  const at::Tensor one = weights.find(name);
  const at::Tensor two = weights.find(other);
  return one.defined() && two.defined() && one.scalar_type() == two.scalar_type() &&
         at::equal(one, two);
}

}  // namespace

TiedEmbeddings take_vocabulary_matrices(const VocabularyMatrices& names, WeightMap& weights) {
  const std::string source = first_held(names.source, weights);
  const std::string target = first_held(names.target, weights);
  const std::string output = first_held(names.output, weights);
  const bool target_is_source = are_one(target, source, weights);
  const bool output_is_target = are_one(output, target, weights);
  const bool output_is_source = are_one(output, source, weights);
  weights.take(source, "source_embedding.weight");
  if (!target_is_source) weights.take(target, "target_embedding.weight");
  if (!output_is_target && !output_is_source) weights.take(output, "output_head.weight");
  for (const auto* group : {&names.source, &names.target, &names.output})
    for (const std::string& name : *group) {
      const bool is_copy = are_one(name, source, weights) || are_one(name, target, weights) ||
                           are_one(name, output, weights);
      if (is_copy) weights.leave(name, "the same matrix as one that was taken");
    }
  if (target_is_source)
    return output_is_source ? TiedEmbeddings::all : TiedEmbeddings::source_target;
  if (output_is_target) return TiedEmbeddings::target_output;
  return output_is_source ? TiedEmbeddings::source_output : TiedEmbeddings::none;
}

Activation activation_named(const std::string& name, const Settings& settings) {
  if (name == "relu") return Activation::relu;
  if (name == "gelu") return Activation::gelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::gelu_new;
  if (name == "silu" || name == "swish") return Activation::silu;
  throw ModelError(
      fmt::format("{}: the activation '{}' is not known. Known are relu, gelu, gelu_new, silu.",
                  settings.path(), name));
}

}  // namespace dragoman
