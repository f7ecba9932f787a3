#include "dragoman/modules/initialize.h"

#include <ATen/ATen.h>

#include <cmath>

#include "dragoman/modules/transformer.h"
#include "tests/support/catch.h"

using dragoman::ModelConfig;

namespace {

ModelConfig wide_config() {
  ModelConfig config;
  config.encoder = {.layers = 2, .dim = 128, .heads = 4, .feed_forward = 256};
  config.decoder = config.encoder;
  config.source_vocabulary = config.target_vocabulary = 500;
  config.positions = dragoman::PositionKind::learned;
  return config;
}

std::map<std::string, at::Tensor> parameters(const ModelConfig& config) {
  at::manual_seed(1);
  std::map<std::string, at::Tensor> found;
  for (const auto& parameter : dragoman::Transformer(config)->named_parameters())
    found.emplace(parameter.key(), parameter.value().detach());
  return found;
}

double deviation(const at::Tensor& weight) {
  return weight.square().mean().sqrt().item<double>();
}

}  // namespace

TEST_CASE("weights that are to be loaded draw no random numbers", "[initialize]") {
  at::manual_seed(3);
  const at::Tensor expected = at::rand({4});
  at::manual_seed(3);
  const dragoman::Transformer model(wide_config(), dragoman::InitialWeights::unset);
  CHECK(model->parameters().size() > 10);
  CHECK(at::equal(at::rand({4}), expected));
}

TEST_CASE("Xavier initialisation has the bounds of the formula", "[initialize]") {
  const auto found = parameters(wide_config());
  const auto check = [&](const std::string& name, double bound) {
    INFO(name);
    const at::Tensor& weight = found.at(name);
    CHECK(weight.abs().max().item<double>() <= bound);
    CHECK(weight.abs().max().item<double>() > 0.99 * bound);
    CHECK(std::abs(deviation(weight) / (bound / std::sqrt(3.0)) - 1.0) < 0.02);
    CHECK(std::abs(weight.mean().item<double>()) < 0.02 * bound);
  };
  const double square = std::sqrt(6.0 / 256.0);
  check("encoder.layers.0.self_attention.query_key_value.weight", square / std::sqrt(2.0));
  check("decoder.layers.1.cross_attention.query.weight", square / std::sqrt(2.0));
  check("decoder.layers.1.cross_attention.key_value.weight", square / std::sqrt(2.0));
  check("decoder.layers.1.cross_attention.output.weight", square);
  check("encoder.layers.1.feed_forward.inner.weight", std::sqrt(6.0 / 384.0));
  check("encoder.layers.1.feed_forward.outer.weight", std::sqrt(6.0 / 384.0));
}

TEST_CASE("embeddings start with deviation one over the root of the width", "[initialize]") {
  const auto found = parameters(wide_config());
  for (const char* name : {"source_embedding.weight", "source_embedding.positions.weight"})
    CHECK(std::abs(deviation(found.at(name)) * std::sqrt(128.0) - 1.0) < 0.02);
}

TEST_CASE("norms start as the identity and biases at zero", "[initialize]") {
  for (const auto& [name, value] : parameters(wide_config())) {
    INFO(name);
    if (name.ends_with("norm.weight")) CHECK(value.eq(1).all().item<bool>());
    if (name.ends_with("bias")) CHECK(value.eq(0).all().item<bool>());
  }
}

TEST_CASE("normal initialisation has deviation 0.02 everywhere", "[initialize]") {
  ModelConfig config = wide_config();
  config.initialization = dragoman::Initialization::normal;
  for (const auto& [name, value] : parameters(config)) {
    INFO(name);
    if (value.dim() == 2) CHECK(std::abs(deviation(value) / 0.02 - 1.0) < 0.03);
  }
}

TEST_CASE("depth-scaled initialisation divides layer l by the root of l", "[initialize]") {
  const auto plain = parameters(wide_config());
  ModelConfig config = wide_config();
  config.depth_scaled_initialization = true;
  const auto scaled = parameters(config);
  for (const auto& [name, value] : plain) {
    if (value.dim() != 2) continue;
    INFO(name);
    const double factor = name.find(".layers.1.") == std::string::npos ? 1.0 : std::sqrt(2.0);
    CHECK(at::allclose(scaled.at(name) * factor, value));
  }
}

TEST_CASE("the same seed gives the same model", "[initialize]") {
  const auto first = parameters(wide_config());
  for (const auto& [name, value] : parameters(wide_config()))
    CHECK(value.equal(first.at(name)));
}
