#include "dragoman/training/layer_meter.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numeric>

#include "dragoman/data/archive.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/training/tiny_run.h"

namespace {

using dragoman::layer_of;
using dragoman::LayerFigures;
using dragoman::LayerMeter;
using dragoman_test::TinyCorpus;
using dragoman_test::TinyProcess;

double euclidean(const at::Tensor& tensor) {
  return std::sqrt(tensor.to(at::kDouble).square().sum().item<double>());
}

bool is_near(double value, double expected) {
  return std::abs(value - expected) <= 1e-5 * std::abs(expected);
}

}  // namespace

TEST_CASE("a parameter counts to its layer", "[layer_meter]") {
  CHECK(layer_of("encoder.layers.0.self_attention.output.bias") == "encoder.layers.0");
  CHECK(layer_of("decoder.layers.11.feed_forward_norm.weight") == "decoder.layers.11");
  CHECK(layer_of("encoder.norm.weight") == "encoder.norm");
  CHECK(layer_of("copy_head.key.bias") == "copy_head");
  CHECK(layer_of("copy_head.follow") == "copy_head");
  CHECK(layer_of("source_embedding.weight") == "source_embedding");
  CHECK(layer_of("weight") == "weight");
}

TEST_CASE("norms are those of the tensors, by hand", "[layer_meter]") {
  const auto parameter = [](std::string name, std::vector<float> values) {
    dragoman::Optimizer::Parameter made{std::move(name), at::tensor(values), {}};
    made.value.set_requires_grad(true);
    return made;
  };
  std::vector<dragoman::Optimizer::Parameter> parameters{
      parameter("encoder.layers.0.a.weight", {3.0f, 0.0f}), parameter("copy_head.bias", {0.0f}),
      parameter("encoder.layers.0.b.bias", {0.0f, 4.0f})};
  parameters[0].value.mutable_grad() = at::tensor({1.0f, 2.0f});
  parameters[2].value.mutable_grad() = at::tensor({2.0f, 4.0f});  // copy_head.bias has none
  LayerMeter meter(parameters);
  meter.before(parameters);
  {
    const at::NoGradGuard no_grad;
    parameters[0].value.sub_(0.3);  // twice 0.3
    parameters[2].value.sub_(at::tensor({0.0f, 0.25f}));
  }
  meter.after(parameters);
  const std::vector<LayerFigures> layers = meter.take();
  REQUIRE(layers.size() == 2);
  CHECK(layers[0].name == "encoder.layers.0");
  CHECK(is_near(layers[0].gradient, 5.0));
  CHECK(is_near(layers[0].weight, 5.0));
  CHECK(is_near(layers[0].update, std::sqrt(2 * 0.09 + 0.0625)));
  CHECK(is_near(layers[0].ratio(), std::sqrt(2 * 0.09 + 0.0625) / 5.0));
  CHECK(layers[1].name == "copy_head");
  CHECK(layers[1].gradient == 0.0);
  CHECK(layers[1].ratio() == 0.0);  // weights of zero give no infinity
}

TEST_CASE("squares beyond the range of float do not overflow", "[layer_meter]") {
  std::vector<dragoman::Optimizer::Parameter> parameters;
  for (const char* name : {"a.0", "a.1", "a.2", "a.3", "a.4", "a.5"})
    parameters.push_back({name, at::full({1, 1}, 1e19f), {}});
  LayerMeter meter(parameters);
  meter.before(parameters);
  meter.after(parameters);
  const std::vector<LayerFigures> layers = meter.take();
  REQUIRE(layers.size() == 1);
  CHECK(layers[0].holds_matrices);
  CHECK(is_near(layers[0].weight, std::sqrt(6.0) * 1e19));
}

TEST_CASE("a measured update is the same update, and its figures are those of the weights",
          "[layer_meter]") {
  const dragoman_test::TemporaryFolder folder;
  const TinyCorpus corpus(folder);
  dragoman::TrainingConfig config = dragoman_test::tiny_training(folder.path("plain"));
  config.norms_every = 0;
  config.max_steps = 6;
  TinyProcess plain(corpus, config);
  (void)plain.trainer.run();
  CHECK(plain.log.named("norms").empty());

  config.output = folder.path("measured");
  config.norms_every = 1;
  config.save_every = 1;
  config.keep_last = 100;
  TinyProcess measured(corpus, config);
  (void)measured.trainer.run();
  CHECK(dragoman_test::same_bits(dragoman_test::copy_of_weights(plain.model),
                                 dragoman_test::copy_of_weights(measured.model)));
  const auto events = measured.log.named("norms");
  REQUIRE(events.size() == 6);

  // The checkpoints around update 4 hold what it began and ended with.
  const auto& event = events[3];
  CHECK(event.integer("step") == 4);
  const auto names = std::get<std::vector<std::string>>(event.fields.at("layers"));
  const auto weights = std::get<std::vector<double>>(event.fields.at("weight"));
  const auto updates = std::get<std::vector<double>>(event.fields.at("update"));
  const auto gradients = std::get<std::vector<double>>(event.fields.at("gradient"));
  const auto before = dragoman::load_archive(config.output + "/checkpoints/step-3.pt").tensors;
  const auto after = dragoman::load_archive(config.output + "/checkpoints/step-4.pt").tensors;
  REQUIRE(names.size() == weights.size());
  for (std::size_t index = 0; index < names.size(); ++index) {
    CAPTURE(names[index]);
    double weight = 0.0;
    double update = 0.0;
    for (const auto& [name, tensor] : before) {
      if (layer_of(name) != names[index]) continue;
      weight = std::hypot(weight, euclidean(tensor));
      update = std::hypot(update, euclidean(after.at(name) - tensor));
    }
    CHECK(std::abs(weights[index] - weight) <= 6e-4 * weight);  // the log rounds to four digits
    CHECK(std::abs(updates[index] - update) <= 6e-4 * update);
  }
  const double whole =
      std::sqrt(std::inner_product(gradients.begin(), gradients.end(), gradients.begin(), 0.0));
  const double told = measured.log.named("train")[3].number("norm");
  CHECK(std::abs(whole - told) <= 6e-4 * told);
}

TEST_CASE("norms agree with PyTorch's", "[layer_meter]") {
  if (dragoman_test::python().empty()) {
    WARN("skipped: no Python (set DRAGOMAN_PYTHON)");
    return;
  }
  const dragoman_test::TemporaryFolder folder;
  REQUIRE(dragoman_test::run_python(DRAGOMAN_SOURCE_DIR "/tests/training/layer_meter_reference.py",
                                    folder.path("reference.pt")) == 0);
  const auto reference = dragoman::load_archive(folder.path("reference.pt")).tensors;
  std::vector<dragoman::Optimizer::Parameter> parameters;
  for (const auto& [name, tensor] : reference) {
    if (!name.starts_with("before.")) continue;
    const std::string own = name.substr(7);
    parameters.push_back({own, tensor.clone(), {}});
    parameters.back().value.mutable_grad() = reference.at("gradient." + own);
  }
  LayerMeter meter(parameters);
  meter.before(parameters);
  for (const auto& parameter : parameters)
    parameter.value.copy_(reference.at("after." + parameter.name));
  meter.after(parameters);
  const auto layers = meter.take();
  REQUIRE(layers.size() == 3);
  for (const LayerFigures& layer : layers) {
    CAPTURE(layer.name);
    const at::Tensor expected = reference.at("norms." + layer.name + ".all");
    CHECK(is_near(layer.gradient, expected[0].item<double>()));
    CHECK(is_near(layer.weight, expected[1].item<double>()));
    CHECK(is_near(layer.update, expected[2].item<double>()));
  }
}
