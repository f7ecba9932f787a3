#include "dragoman/training/scheduled_sampling.h"

#include <ATen/ATen.h>

#include <cmath>
#include <csignal>

#include "dragoman/training/loss.h"
#include "tests/support/catch.h"
#include "tests/support/close.h"
#include "tests/training/tiny_run.h"
#include "tests/training/uneven_batch.h"

using dragoman::sampling_probability;
using dragoman::SamplingSchedule;
using dragoman_test::difference;
using dragoman_test::dropping_model;

namespace {

constexpr std::int64_t kUnknownWord = 1;

dragoman::TrainingConfig sampling_config(SamplingSchedule schedule) {
  dragoman::TrainingConfig config;
  config.scheduled_sampling = schedule;
  config.scheduled_sampling_start = 100;
  config.scheduled_sampling_steps = 50;
  config.scheduled_sampling_max = 1.0;
  return config;
}

/// 40 pairs of the same words, so that shares can be counted; with copying, source word 2 is in no
/// vocabulary.
dragoman::Batch sampling_batch(bool copies) {
  dragoman::Example pair{{4, 17, 6, 7}, {7, 8, 12, 13, 9}};
  dragoman::SpecialIds ids;
  ids.target_vocabulary = 20;
  ids.copies = copies;
  if (copies) {
    pair.copy_ids = {4, 20, 6, 7};
    pair.target[2] = 20;
  }
  const std::vector<dragoman::Example> pairs(40, pair);
  return dragoman::collate(pairs, ids);
}

dragoman::DecoderInput sample(dragoman::Transformer& model, const dragoman::Batch& batch,
                              double probability) {
  return dragoman::sampled_input(model, batch, dragoman::encode_batch(model, batch), probability,
                                 kUnknownWord);
}

/// The most probable word after the right ones: the better of the best generated and the best
/// copied one.
at::Tensor most_probable_words(dragoman::Transformer& model, const dragoman::Batch& batch) {
  const at::NoGradGuard no_grad;
  model->eval();
  const auto pass = dragoman::decode_batch(model, batch, dragoman::encode_batch(model, batch),
                                           dragoman::teacher_forcing(batch));
  model->train();
  const at::Tensor words = model->head()->log_probs(pass.hidden).exp();  // [B, T, V]
  if (!model->copy_head()) return words.argmax(-1);
  const auto& pointing = pass.pointing;
  const at::Tensor places = batch.copy_ids.unsqueeze(1).expand_as(pointing.log_weights);
  const at::Tensor copied = at::zeros({words.size(0), words.size(1), words.size(2) + 1})
                                .scatter_add_(2, places, pointing.log_weights.exp());
  const auto [best, word] = (words * pointing.log_generate.exp().unsqueeze(2)).max(-1);
  const auto [best_copy, copy] = (copied * pointing.log_copy.exp().unsqueeze(2)).max(-1);
  return at::where(best_copy.gt(best), copy, word);
}

}  // namespace

TEST_CASE("the model's share of the words follows the schedules of Bengio et al.",
          "[scheduled_sampling]") {
  const auto share_at = [](SamplingSchedule schedule, std::int64_t step) {
    return sampling_probability(sampling_config(schedule), step);
  };
  const auto is_near = [](double left, double right) { return std::abs(left - right) < 1e-9; };
  for (const auto& [name, schedule] : dragoman::names(SamplingSchedule{})) {
    CAPTURE(name);
    CHECK(share_at(schedule, 1) == 0.0);
    CHECK(share_at(schedule, 99) == 0.0);
    auto capped = sampling_config(schedule);
    capped.scheduled_sampling_max = 0.25;
    CHECK(sampling_probability(capped, 100000) ==
          (schedule == SamplingSchedule::none ? 0.0 : 0.25));
  }
  // linear: e = max(0, k - c i) with k = 1, c = 1 / 50
  CHECK(is_near(share_at(SamplingSchedule::linear, 100), 0.0));
  CHECK(is_near(share_at(SamplingSchedule::linear, 110), 0.2));
  CHECK(is_near(share_at(SamplingSchedule::linear, 149), 0.98));
  CHECK(is_near(share_at(SamplingSchedule::linear, 151), 1.0));
  // exponential: e = k^i with k = exp(-1 / 50) = 0.98019867...
  CHECK(is_near(share_at(SamplingSchedule::exponential, 101), 1.0 - 0.9801986733067553));
  CHECK(is_near(share_at(SamplingSchedule::exponential, 150), 1.0 - 0.36787944117144233));
  // inverse sigmoid: e = k / (k + exp(i / k)) with k = 50
  CHECK(is_near(share_at(SamplingSchedule::inverse_sigmoid, 100), 1.0 - 50.0 / 51.0));
  CHECK(is_near(share_at(SamplingSchedule::inverse_sigmoid, 350), 1.0 - 0.2519994148883581));
  CHECK(share_at(SamplingSchedule::inverse_sigmoid, 1000000) == 1.0);
}

TEST_CASE("the second pass reads the first pass's words with the probability",
          "[scheduled_sampling]") {
  for (const bool copies : {false, true}) {
    CAPTURE(copies);
    dragoman::Transformer model = dropping_model(copies);
    {
      const at::NoGradGuard no_grad;  // half of the positions copy
      if (copies) model->named_parameters()["copy_head.gate.bias"].fill_(0.0);
    }
    const dragoman::Batch batch = sampling_batch(copies);
    const std::int64_t length = batch.target_input.size(1);
    const auto right = dragoman::teacher_forcing(batch);
    const auto none = sample(model, batch, 0.0);
    CHECK(at::equal(none.tokens, right.tokens));
    CHECK(at::equal(none.said, right.said));
    CHECK(model->is_training());

    // The encoder's dropout is the only thing that may differ between the passes.
    dragoman::Transformer still = dropping_model(copies);
    still->eval();
    const auto encoded = dragoman::encode_batch(still, batch);
    const auto all = dragoman::sampled_input(still, batch, encoded, 1.0, kUnknownWord);
    const at::Tensor predicted = most_probable_words(still, batch);
    CHECK(at::equal(all.said.narrow(1, 0, 1), right.said.narrow(1, 0, 1)));
    CHECK(at::equal(all.said.narrow(1, 1, length - 1), predicted.narrow(1, 0, length - 1)));
    CHECK(at::equal(all.tokens, all.said.masked_fill(all.said.ge(20), kUnknownWord)));
    CHECK_FALSE(all.tokens.requires_grad());

    const auto some = dragoman::sampled_input(still, batch, encoded, 0.3, kUnknownWord);
    const at::Tensor differs = right.said.ne(all.said);
    const at::Tensor sampled = some.said.ne(right.said);
    CHECK(at::equal(some.said, at::where(sampled, all.said, right.said)));
    const double share = sampled.sum().item<double>() / differs.sum().item<double>();
    CAPTURE(share);
    CHECK((share > 0.15 && share < 0.45));
  }
}

TEST_CASE("the loss after sampled words is that of the second pass", "[scheduled_sampling]") {
  dragoman::Transformer model = dropping_model(false);
  const dragoman::Batch batch = sampling_batch(false);
  dragoman::LossOptions options;
  options.sampling = 0.5;
  options.unknown_word = kUnknownWord;
  at::manual_seed(3);
  const auto loss = dragoman::batch_loss(model, batch, options);
  at::manual_seed(3);
  const auto encoded = dragoman::encode_batch(model, batch);
  const auto input = dragoman::sampled_input(model, batch, encoded, 0.5, kUnknownWord);
  const auto pass = dragoman::decode_batch(model, batch, encoded, input);
  const at::Tensor log_probs = model->head()->log_probs(pass.hidden);
  const at::Tensor nll =
      log_probs.gather(2, batch.target_output.unsqueeze(2)).sum().neg();  // no padding
  CHECK(difference(loss.nll, nll, 1e-5) == "");

  // Both passes of R-Drop read the same words: without dropout there is no divergence.
  dragoman::ModelConfig config = model->config();
  config.dropout = 0.0;
  dragoman::Transformer certain(config);
  certain->train();
  options.r_drop = 1.0;
  at::manual_seed(4);
  const auto doubled = dragoman::batch_loss(certain, batch, options);
  options.r_drop = 0.0;
  at::manual_seed(4);
  CHECK(difference(doubled.loss, dragoman::batch_loss(certain, batch, options).loss, 1e-5) == "");
}

TEST_CASE("a run with scheduled sampling resumes in the same bits",
          "[scheduled_sampling][resume]") {
  const dragoman_test::TemporaryFolder folder;
  const dragoman_test::TinyCorpus corpus(folder);
  auto config = dragoman_test::tiny_training(folder.path("straight"));
  config.scheduled_sampling = SamplingSchedule::linear;
  config.scheduled_sampling_start = 5;
  config.scheduled_sampling_steps = 20;
  dragoman_test::TinyProcess straight(corpus, config);
  (void)straight.trainer.run();
  auto right = config;
  right.scheduled_sampling = SamplingSchedule::none;
  right.output = folder.path("right");
  dragoman_test::TinyProcess other(corpus, right);
  (void)other.trainer.run();
  CHECK_FALSE(dragoman_test::same_bits(dragoman_test::copy_of_weights(straight.model),
                                       dragoman_test::copy_of_weights(other.model)));

  config.output = folder.path("interrupted");
  {
    dragoman_test::TinyProcess process(corpus, config);
    process.log.on_event = [](const dragoman_test::TestLog::Event& event) {
      if (event.name == "train" && event.integer("step") == 17) std::raise(SIGTERM);
    };
    (void)process.trainer.run();
  }
  config.seed = 99;
  dragoman_test::TinyProcess resumed(corpus, config);
  REQUIRE(resumed.trainer.resume());
  (void)resumed.trainer.run();
  CHECK(dragoman_test::same_bits(dragoman_test::copy_of_weights(resumed.model),
                                 dragoman_test::copy_of_weights(straight.model)));
}
