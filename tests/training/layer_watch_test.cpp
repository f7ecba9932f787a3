#include "dragoman/training/layer_watch.h"

#include <cmath>
#include <limits>

#include "tests/support/catch.h"
#include "tests/training/tiny_run.h"

namespace {

using Catch::Contains;
using Catch::StartsWith;
using dragoman::LayerFigures;
using dragoman::LayerWatch;

dragoman::TrainingConfig usual_config() {
  dragoman::TrainingConfig config;
  config.learning_rate = 0.002;
  config.warmup_steps = 500;
  return config;
}

/// Three layers whose norms go up and down a little, as they do.
std::vector<LayerFigures> usual_layers(int measurement) {
  const double part = 1.0 + 0.5 * std::sin(measurement);
  return {{"encoder.layers.0", true, 0.3 * part, 10.0, 0.01 * part},
          {"encoder.layers.1", true, 0.2 * part, 12.0, 0.01 * part},
          {"output_head", false, 0.1 * part, 0.001, 0.01}};
}

std::vector<std::string> warnings_after(
    LayerWatch& watch, int measurements,
    const std::function<void(std::vector<LayerFigures>&)>& plant, double learning_rate = 0.002) {
  std::vector<std::string> all;
  for (int measurement = 0; measurement < measurements; ++measurement) {
    std::vector<LayerFigures> layers = usual_layers(measurement);
    plant(layers);
    for (std::string& warning : watch.add_layers(layers, learning_rate))
      all.push_back(std::move(warning));
  }
  return all;
}

void plant_nothing(std::vector<LayerFigures>&) {}

}  // namespace

TEST_CASE("norms as usual give no warning", "[layer_watch]") {
  LayerWatch watch(usual_config());
  CHECK(warnings_after(watch, 300, plant_nothing).empty());
  for (int update = 0; update < 300; ++update)
    CHECK(watch.add_gradient(1.0 + 0.9 * std::sin(update)).empty());
}

TEST_CASE("a gradient that explodes is told with its layer and what to do", "[layer_watch]") {
  LayerWatch watch(usual_config());
  REQUIRE(warnings_after(watch, 150, plant_nothing).empty());
  const auto warnings = warnings_after(watch, 1, [](auto& layers) {
    layers[1].gradient = 50.0;
    layers[0].gradient = 10.0;
  });
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], StartsWith("encoder.layers.1: gradient norm 50 is 2"));
  CHECK_THAT(warnings[0], Contains("x its median of the last 100 measurements (and so in 1 more "
                                   "layers): if this comes again, lower training.learning_rate "
                                   "(0.002) or raise training.warmup_steps (500)"));
  CHECK_THAT(warnings[0], !Contains("clip_norm"));  // it is set
  // Not at once again, and not before there is a history.
  CHECK(warnings_after(watch, 5, [](auto& layers) { layers[1].gradient = 80.0; }).empty());
  LayerWatch young(usual_config());
  CHECK(warnings_after(young, 5, plant_nothing).empty());
  CHECK(warnings_after(young, 1, [](auto& layers) { layers[1].gradient = 50.0; }).empty());
}

TEST_CASE("the whole gradient is watched at every update", "[layer_watch]") {
  dragoman::TrainingConfig config = usual_config();
  config.clip_norm = 0.0;
  LayerWatch watch(config);
  for (int update = 0; update < 120; ++update)
    REQUIRE(watch.add_gradient(2.0).empty());
  CHECK(watch.add_gradient(std::numeric_limits<double>::quiet_NaN()).empty());
  const auto warnings = watch.add_gradient(500.0);
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0],
             StartsWith("gradient norm 500 is 250 x its median of the last 100 updates: "));
  CHECK_THAT(warnings[0], Contains("set training.clip_norm (0) to about 1"));
  CHECK(watch.add_gradient(500.0).empty());
}

TEST_CASE("a gradient that vanishes is told, a layer that is left out at times is not",
          "[layer_watch]") {
  LayerWatch watch(usual_config());
  const auto warnings = warnings_after(watch, 20, [](auto& layers) { layers[0].gradient *= 1e-7; });
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], StartsWith("encoder.layers.0: gradient norm ") &&
                              Contains(" of the whole gradient's") && Contains("model.norm pre"));
  LayerWatch dropping(usual_config());
  int measurement = 0;
  CHECK(warnings_after(dropping, 200, [&measurement](auto& layers) {
          if (++measurement % 3 == 0) layers[0].gradient = layers[0].update = 0.0;
        }).empty());
}

TEST_CASE("updates that are too large or lost in rounding are told", "[layer_watch]") {
  LayerWatch watch(usual_config());
  const auto large = warnings_after(watch, 20, [](auto& layers) { layers[1].update = 3.0; });
  REQUIRE(large.size() == 1);
  CHECK_THAT(large[0], StartsWith("encoder.layers.1: an update changes the weights by 25 % of "
                                  "their norm: lower training.learning_rate (0.002)"));
  const auto plant = [](std::vector<LayerFigures>& layers) { layers[0].update = 1e-8; };
  LayerWatch slow(usual_config());
  const auto small = warnings_after(slow, 20, plant);
  REQUIRE(small.size() == 1);
  CHECK_THAT(small[0], StartsWith("encoder.layers.0: an update changes the weights by 1e-09 of "
                                  "their norm") &&
                           Contains("raise training.learning_rate (0.002)"));
  // The end of a schedule is no fault.
  LayerWatch ending(usual_config());
  CHECK(warnings_after(ending, 20, plant, 1e-6).empty());
}

TEST_CASE("a normal run is not warned of, one that diverges is", "[layer_watch]") {
  const dragoman_test::TemporaryFolder folder;
  const dragoman_test::TinyCorpus corpus(folder);
  dragoman::TrainingConfig config = dragoman_test::tiny_training(folder.path("normal"));
  config.norms_every = 1;
  config.max_steps = 150;
  config.validate_every = 0;
  config.save_every = 1000;
  dragoman_test::TinyProcess normal(corpus, config);
  (void)normal.trainer.run();
  CHECK(normal.log.warnings.empty());

  config.output = folder.path("diverging");
  config.learning_rate = 3.0;
  config.warmup_steps = 60;
  dragoman_test::TinyProcess diverging(corpus, config);
  (void)diverging.trainer.run();
  REQUIRE_FALSE(diverging.log.warnings.empty());
  CHECK_THAT(diverging.log.warnings.front(),
             StartsWith("step=") && Contains("lower training.learning_rate (3)"));
}
