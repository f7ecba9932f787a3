#include "dragoman/training/update.h"

#include <ATen/ATen.h>

#include <cmath>
#include <limits>

#include "dragoman/data/error.h"
#include "tests/support/catch.h"
#include "tests/training/tiny_run.h"

namespace {

using dragoman::Batch;
using dragoman::Example;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

dragoman::ModelConfig small_model(double dropout) {
  dragoman::ModelConfig config;
  config.encoder = {.layers = 1, .dim = 16, .heads = 2, .feed_forward = 32};
  config.decoder = config.encoder;
  config.dropout = dropout;
  config.tied_embeddings = dragoman::TiedEmbeddings::none;
  config.source_vocabulary = config.target_vocabulary = 20;
  return config;
}

std::vector<Example> examples() {
  return {{{4, 5, 6}, {7, 8}},
          {{9, 10}, {11, 12, 13, 14}},
          {{15}, {16}},
          {{4, 8, 12, 16}, {17, 18, 19}}};
}

Batch batch_of(std::span<const Example> pairs) {
  return dragoman::collate(pairs, {});
}

/// A model with its optimiser, as a trainer would set it up.
struct UpdateSetup {
  explicit UpdateSetup(dragoman::TrainingConfig training, double dropout = 0.0)
      : model(seeded(dropout)),
        optimizer(training, *model),
        update(training, model, optimizer, at::kCPU) {
    model->train();
  }
  static dragoman::Transformer seeded(double dropout) {
    at::manual_seed(11);
    return dragoman::Transformer(small_model(dropout));
  }
  dragoman::Transformer model;
  dragoman::Optimizer optimizer;
  dragoman::Update update;
};

dragoman::TrainingConfig sgd() {
  dragoman::TrainingConfig config;
  config.optimizer = dragoman::OptimizerKind::sgd;
  config.momentum = 0.0;
  config.clip_norm = 0.0;
  return config;
}

double largest_difference(const dragoman_test::Weights& left, const dragoman_test::Weights& right) {
  double largest = 0.0;
  for (const auto& [name, tensor] : left)
    largest = std::max(largest, (tensor - right.at(name)).abs().max().template item<double>());
  return largest;
}

}  // namespace

TEST_CASE("an update does not depend on how its sentences are cut into batches", "[update]") {
  UpdateSetup whole(sgd());
  UpdateSetup parts(sgd());
  const std::vector<Example> all = examples();
  const auto view = std::span<const Example>(all);
  const std::vector<Batch> one = {batch_of(view)};
  const std::vector<Batch> three = {batch_of(view.subspan(0, 1)), batch_of(view.subspan(1, 2)),
                                    batch_of(view.subspan(3, 1))};
  const dragoman::UpdateResult first = whole.update.run(one, 0.5);
  const dragoman::UpdateResult second = parts.update.run(three, 0.5);
  CHECK(std::abs(first.loss - second.loss) < 1e-6);
  CHECK(std::abs(first.gradient_norm - second.gradient_norm) < 1e-5);
  CHECK(first.target_tokens == 14);
  CHECK(second.target_tokens == 14);
  CHECK(first.source_tokens == 14);
  CHECK(second.sentences == 4);
  CHECK(largest_difference(dragoman_test::copy_of_weights(whole.model),
                           dragoman_test::copy_of_weights(parts.model)) < 1e-6);
}

TEST_CASE("the reported loss is that of the log-probabilities", "[update]") {
  UpdateSetup setup(sgd());
  const std::vector<Example> all = examples();
  const std::vector<Batch> batches = {batch_of(all)};
  setup.model->eval();
  double nll = 0.0;
  double smooth = 0.0;
  for (const Example& pair : all) {  // sentence by sentence, without padding
    const Batch single = batch_of({&pair, 1});
    auto state = setup.model->start(setup.model->encode(single.source, {}), {}, false);
    const at::Tensor log_probs =
        setup.model->head()->log_probs(setup.model->decode(single.target_input, state));
    nll -= log_probs.gather(2, single.target_output.unsqueeze(2)).sum().item<double>();
    smooth -= log_probs.mean(2).sum().item<double>();
  }
  setup.model->train();
  const dragoman::UpdateResult result = setup.update.run(batches, 0.0);
  CHECK(std::abs(result.nll - nll / 14) < 1e-5);
  CHECK(std::abs(result.loss - (0.9 * nll + 0.1 * smooth) / 14) < 1e-5);
}

TEST_CASE("the gradient is clipped to the norm", "[update]") {
  const std::vector<Example> all = examples();
  const std::vector<Batch> batches = {batch_of(all)};
  UpdateSetup plain(sgd());
  auto clipping = sgd();
  clipping.clip_norm = 0.01;
  UpdateSetup clipped(clipping);
  auto loose = sgd();
  loose.clip_norm = 1000.0;
  UpdateSetup unclipped(loose);
  const auto start = dragoman_test::copy_of_weights(plain.model);
  const double norm = plain.update.run(batches, 1.0).gradient_norm;
  CHECK(clipped.update.run(batches, 1.0).gradient_norm == norm);
  unclipped.update.run(batches, 1.0);
  CHECK(dragoman_test::same_bits(dragoman_test::copy_of_weights(plain.model),
                                 dragoman_test::copy_of_weights(unclipped.model)));
  double squares = 0.0;  // of what sgd with rate 1 moved the weights by
  double unclipped_squares = 0.0;
  for (const auto& [name, tensor] : dragoman_test::copy_of_weights(clipped.model))
    squares += (tensor - start.at(name)).to(at::kDouble).square().sum().item<double>();
  for (const auto& [name, tensor] : dragoman_test::copy_of_weights(plain.model))
    unclipped_squares += (tensor - start.at(name)).to(at::kDouble).square().sum().item<double>();
  CHECK(std::abs(std::sqrt(squares) - 0.01) < 1e-5);
  CHECK(std::abs(std::sqrt(unclipped_squares) - norm) < 1e-4 * norm);
}

TEST_CASE("a non-finite weight stops the step and is named", "[update]") {
  UpdateSetup setup(sgd());
  const std::vector<Example> all = examples();
  const std::vector<Batch> batches = {batch_of(all)};
  auto weights = dragoman::named_weights(*setup.model);
  const std::string victim = "decoder.layers.0.feed_forward.inner.weight";
  const std::string name = weights.contains(victim) ? victim : weights.rbegin()->first;
  {
    const at::NoGradGuard no_grad;
    weights.at(name).view({-1})[0].fill_(NAN);
  }
  const auto before = dragoman_test::copy_of_weights(setup.model);
  const dragoman::UpdateResult result = setup.update.run(batches, 0.5);
  CHECK_THAT(result.problem, Catch::StartsWith("the loss is not finite (") &&
                                 Catch::EndsWith(", for " + name + " holds values that are not"));
  for (const auto& [key, tensor] : dragoman_test::copy_of_weights(setup.model)) {
    CAPTURE(key);
    CHECK(at::equal(tensor.nan_to_num(7.0), before.at(key).nan_to_num(7.0)));
  }
}

TEST_CASE("a non-finite gradient is traced to the parameter nearest to the loss", "[update]") {
  UpdateSetup setup(sgd());
  const std::vector<Example> all = examples();
  const std::vector<Batch> batches = {batch_of(all)};
  std::string last;
  at::Tensor victim;
  for (const auto& item : setup.model->named_parameters())
    if (item.key().starts_with("decoder.")) {
      last = item.key();
      victim = item.value();
    }
  REQUIRE(victim.defined());
  const auto handle =
      victim.register_hook([](const at::Tensor& gradient) { return gradient * kInfinity; });
  const auto before = dragoman_test::copy_of_weights(setup.model);
  CHECK(setup.update.run(batches, 0.5).problem == "the gradient of " + last + " is not finite");
  CHECK(setup.update.bad_steps() == 1);
  CHECK(dragoman_test::same_bits(before, dragoman_test::copy_of_weights(setup.model)));
  victim.remove_hook(handle);
  CHECK(setup.update.run(batches, 0.5).problem.empty());
  CHECK(setup.update.bad_steps() == 0);
  CHECK_FALSE(dragoman_test::same_bits(before, dragoman_test::copy_of_weights(setup.model)));
}

TEST_CASE("too many bad updates in a row end the training with advice", "[update]") {
  auto config = sgd();
  config.max_bad_steps = 3;
  config.learning_rate = 0.25;
  UpdateSetup setup(config);
  const std::vector<Example> all = examples();
  const std::vector<Batch> batches = {batch_of(all)};
  at::Tensor parameter = setup.model->parameters().front();
  parameter.register_hook([](const at::Tensor& gradient) { return gradient * kInfinity; });
  CHECK_FALSE(setup.update.run(batches, 0.5).problem.empty());
  CHECK_FALSE(setup.update.run(batches, 0.5).problem.empty());
  std::string message;
  try {
    setup.update.run(batches, 0.5);
  } catch (const dragoman::Error& error) {
    message = error.what();
    CHECK(error.exit_code() == 1);
  }
  CHECK_THAT(message,
             Catch::StartsWith(
                 "training: 3 updates in a row were not finite; the last: the gradient of "));
  CHECK_THAT(message, Catch::Contains("Lower training.learning_rate (0.25)"));
}

TEST_CASE("bfloat16 updates follow float32 ones and leave float32 weights", "[update]") {
  UpdateSetup exact(sgd());
  UpdateSetup mixed(sgd());
  mixed.model->set_compute_type(at::kBFloat16);
  const std::vector<Example> all = examples();
  const std::vector<Batch> batches = {batch_of(all)};
  for (int step = 0; step < 3; ++step) {
    const double expected = exact.update.run(batches, 0.1).loss;
    const dragoman::UpdateResult result = mixed.update.run(batches, 0.1);
    CHECK(result.problem.empty());
    CHECK(std::abs(result.loss - expected) < 0.03);
  }
  for (const at::Tensor& parameter : mixed.model->parameters())
    CHECK(parameter.scalar_type() == at::kFloat);
}
