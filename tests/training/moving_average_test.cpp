#include "dragoman/training/moving_average.h"

#include <ATen/ATen.h>

#include <torch/nn/modules/linear.h>
#include <algorithm>

#include <csignal>

#include "dragoman/data/archive.h"
#include "dragoman/training/run_directory.h"
#include "dragoman/training/validation.h"
#include "tests/support/catch.h"
#include "tests/support/close.h"
#include "tests/training/tiny_run.h"

namespace {

using dragoman_test::copy_of_weights;
using dragoman_test::difference;
using dragoman_test::same_bits;
using dragoman_test::TemporaryFolder;
using dragoman_test::TestLog;
using dragoman_test::TinyCorpus;
using dragoman_test::TinyProcess;
using dragoman_test::Weights;

Weights in_double(const Weights& weights) {
  Weights result;
  for (const auto& [name, tensor] : weights)
    result[name] = tensor.to(at::kDouble);
  return result;
}

/// The averages after each of `history`, by the formula, in double precision.
Weights average_after(const Weights& initial, const std::vector<Weights>& history, double decay) {
  Weights average = in_double(initial);
  for (std::size_t index = 0; index < history.size(); ++index) {
    const double update = static_cast<double>(index) + 1.0;
    const double kept = std::min(decay, (1.0 + update) / (10.0 + update));
    for (auto& [name, tensor] : average)
      tensor = kept * tensor + (1.0 - kept) * history[index].at(name).to(at::kDouble);
  }
  return average;
}

void check_near(const Weights& actual, const Weights& expected) {
  REQUIRE(actual.size() == expected.size());
  for (const auto& [name, tensor] : actual) {
    CAPTURE(name);
    CHECK(difference(tensor, expected.at(name), 1e-6) == "");
  }
}

struct Averaging {
  Averaging() : corpus(folder), config(dragoman_test::tiny_training(folder.path("run"))) {
    config.ema = 0.9;
    config.learning_rate = 1e-2;
  }
  [[nodiscard]] Weights model_at(std::int64_t step) const {
    return dragoman::load_archive(dragoman::RunDirectory(config.output).model(step)).tensors;
  }
  TemporaryFolder folder;
  TinyCorpus corpus;
  dragoman::TrainingConfig config;
};

}  // namespace

TEST_CASE("the moving average follows its formula, warm-up included", "[moving_average]") {
  at::manual_seed(2);
  torch::nn::Linear module(5, 3);
  const dragoman::TrainingConfig training;
  dragoman::Optimizer optimizer(training, *module);
  const double decay = 0.6;  // reached in the 13th update
  dragoman::MovingAverage average(decay, optimizer.parameters());
  const Weights initial{{"weight", module->weight.detach().clone()},
                        {"bias", module->bias.detach().clone()}};
  check_near(average.weights(), initial);
  std::vector<Weights> history;
  for (int update = 0; update < 30; ++update) {
    const at::NoGradGuard no_grad;
    module->weight.add_(at::randn({3, 5}));
    module->bias.add_(at::randn({3}));
    history.push_back(
        {{"weight", module->weight.detach().clone()}, {"bias", module->bias.detach().clone()}});
    average.add();
    check_near(average.weights(), average_after(initial, history, decay));
  }
  CHECK(average.updates() == 30);

  const at::Tensor trained = module->weight.detach().clone();
  const at::Tensor mean = average.weights().at("weight").clone();
  {
    const dragoman::AveragedWeights guard(&average);
    CHECK(at::equal(module->weight, mean));
  }
  CHECK(at::equal(module->weight, trained));
  CHECK(at::equal(average.weights().at("weight"), mean));
}

TEST_CASE_METHOD(Averaging, "model files and validation have the average, training does not",
                 "[moving_average]") {
  std::vector<Weights> history;
  TinyProcess process(corpus, config);
  const Weights initial = copy_of_weights(process.model);
  process.log.on_event = [&](const TestLog::Event& event) {
    if (event.name == "train") history.push_back(copy_of_weights(process.model));
  };
  (void)process.trainer.run();
  REQUIRE(history.size() == 40);
  check_near(model_at(40), average_after(initial, history, config.ema));
  CHECK(same_bits(history.back(), copy_of_weights(process.model)));

  // The same weights without the average: training is the same, validation is not.
  auto plain = config;
  plain.ema = 0.0;
  plain.output = folder.path("plain");
  TinyProcess other(corpus, plain);
  (void)other.trainer.run();
  CHECK(same_bits(copy_of_weights(other.model), copy_of_weights(process.model)));
  const auto scores = process.log.named("validation");
  const auto plain_scores = other.log.named("validation");
  REQUIRE(scores.size() == plain_scores.size());
  CHECK(scores.back().number("loss") != plain_scores.back().number("loss"));
  REQUIRE(dragoman::load_weights(*other.model, model_at(40)).empty());
  dragoman::TrainerInputs inputs{.model = other.model,
                                 .batches = other.batches,
                                 .encoder = {corpus.tokenizer(), corpus.tokenizer()},
                                 .development = corpus.development,
                                 .decode = {},
                                 .bundle = {},
                                 .log = other.log};
  const auto stored = dragoman::Validation(plain, inputs, at::kCPU).run([] { return false; });
  CHECK(stored->loss == scores.back().number("loss"));
}

TEST_CASE_METHOD(Averaging, "a run that was stopped goes on with the same average",
                 "[moving_average][resume]") {
  TinyProcess straight(corpus, config);
  (void)straight.trainer.run();
  const Weights expected = model_at(40);

  config.output = folder.path("interrupted");
  {
    TinyProcess process(corpus, config);
    process.log.on_event = [](const TestLog::Event& event) {
      if (event.name == "train" && event.integer("step") == 17) std::raise(SIGTERM);
    };
    (void)process.trainer.run();
  }
  config.seed = 99;
  TinyProcess resumed(corpus, config);
  REQUIRE(resumed.trainer.resume());
  (void)resumed.trainer.run();
  CHECK(same_bits(copy_of_weights(resumed.model), copy_of_weights(straight.model)));
  CHECK(same_bits(model_at(40), expected));
}

TEST_CASE_METHOD(Averaging, "a moving average can begin or end when a run is resumed",
                 "[moving_average][resume]") {
  const bool begins = GENERATE(true, false);
  CAPTURE(begins);
  auto changed = config;
  (begins ? config : changed).ema = 0.0;
  config.max_steps = 10;
  changed.max_steps = 11;
  TinyProcess first(corpus, config);
  (void)first.trainer.run();
  const Weights trained = copy_of_weights(first.model);
  TinyProcess second(corpus, changed);
  REQUIRE(second.trainer.resume());
  CHECK(same_bits(copy_of_weights(second.model), trained));
  (void)second.trainer.run();
  const Weights present = copy_of_weights(second.model);
  if (begins)
    check_near(model_at(11), average_after(trained, {present}, changed.ema));
  else
    CHECK(same_bits(model_at(11), present));
}
