#include "dragoman/training/guided_alignment.h"

#include <ATen/ATen.h>

#include <cmath>

#include "dragoman/training/loss.h"
#include "dragoman/training/optimizer.h"
#include "dragoman/training/update.h"
#include "tests/support/catch.h"
#include "tests/support/close.h"

using dragoman::GuidedAlignment;
using dragoman_test::difference;

namespace {

dragoman::Transformer aligning_model(bool copies, std::int64_t layers = 2) {
  dragoman::ModelConfig config;
  config.encoder = {.layers = 1, .dim = 32, .heads = 4, .feed_forward = 64};
  config.decoder = config.encoder;
  config.decoder.layers = layers;
  config.dropout = 0.0;
  config.copy_head.enabled = copies;
  config.source_vocabulary = config.target_vocabulary = 30;
  at::manual_seed(7);
  dragoman::Transformer model(config);
  model->train();
  return model;
}

/// Two pairs of different lengths; a target token has two links, one none.
dragoman::Batch linked_batch(bool copies) {
  std::vector<dragoman::Example> pairs = {{{4, 5, 6, 7}, {7, 8}}, {{9, 17}, {11, 9, 13}}};
  pairs[0].links = {{1, 0}, {3, 0}, {2, 1}};
  pairs[1].links = {{0, 1}, {1, 2}};
  dragoman::SpecialIds ids;
  ids.target_vocabulary = 30;
  ids.copies = copies;
  if (copies)
    for (auto& pair : pairs)
      pair.copy_ids = pair.source;
  return dragoman::collate(pairs, ids);
}

/// What is attended to, [B, T, S], by the model's own parts.
at::Tensor attention(dragoman::Transformer& model, const dragoman::Batch& batch,
                     std::optional<std::size_t> layer) {
  const at::Tensor mask = dragoman::padding_mask(batch.source_lengths, batch.source.size(1));
  auto state = model->start(model->encode(batch.source, mask), mask, false, {batch.copy_ids, 0});
  if (layer) state.layers[*layer].keep_scores = true;
  const at::Tensor hidden = model->decode(batch.target_input, state);
  if (layer) return at::softmax(state.layers[*layer].cross_scores, -1).mean(1);
  const at::Tensor said = at::cat(
      {batch.target_input.narrow(1, 0, 1), batch.target_output.narrow(1, 0, hidden.size(1) - 1)},
      1);
  return model->copy_head()->point(hidden, said, state).log_weights.exp();
}

/// Pairs whose target is the source backwards, each word translated: word w becomes w + 10.
std::vector<dragoman::Example> backwards(int count, int seed) {
  std::vector<dragoman::Example> pairs;
  auto random = static_cast<std::uint32_t>(seed);
  const auto draw = [&random](std::uint32_t bound) {
    random = random * 1664525u + 1013904223u;
    return static_cast<std::int32_t>((random >> 16) % bound);
  };
  for (int number = 0; number < count; ++number) {
    dragoman::Example pair;
    const std::int32_t length = 3 + draw(4);
    for (std::int32_t place = 0; place < length; ++place)
      pair.source.push_back(5 + draw(10));
    for (std::int32_t place = 0; place < length; ++place) {
      pair.target.push_back(pair.source[static_cast<std::size_t>(length - 1 - place)] + 10);
      pair.links.push_back({length - 1 - place, place});
    }
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

/// Alignment error rate (Och and Ney 2003) of the greatest weights, all links being sure: 1 - share
/// of right ones.
double error_rate(dragoman::Transformer& model, const std::vector<dragoman::Example>& pairs) {
  const at::NoGradGuard no_grad;
  std::int64_t right = 0;
  std::int64_t links = 0;
  for (const auto& pair : pairs) {
    const at::Tensor weights = attention(model, dragoman::collate({&pair, 1}, {}), 0)[0];  // [T, S]
    for (const auto& link : pair.links) {
      const auto tokens = static_cast<std::int64_t>(pair.source.size());
      const auto best = weights[link.target].narrow(0, 0, tokens).argmax().item<std::int64_t>();
      right += best == link.source ? 1 : 0;
      ++links;
    }
  }
  return 1.0 - static_cast<double>(right) / static_cast<double>(links);
}

}  // namespace

TEST_CASE("the loss of guided alignment is its formula", "[guided_alignment]") {
  for (const bool copies : {false, true})
    for (const std::int64_t layer : {0, 1, 2}) {
      CAPTURE(copies, layer);
      dragoman::Transformer model = aligning_model(copies);
      const dragoman::Batch batch = linked_batch(copies);
      const auto loss = [&](double weight) {
        dragoman::LossOptions options{.words = {.label_smoothing = 0.1}};
        options.guided = {.weight = weight, .layer = layer};
        return dragoman::batch_loss(model, batch, options);
      };
      // 0: the pointer or, of two layers without a copy head, the first.
      std::optional<std::size_t> read =
          static_cast<std::size_t>(std::max<std::int64_t>(layer, 1) - 1);
      if (copies && layer == 0) read.reset();
      const at::Tensor weights = attention(model, batch, read);
      const auto a = [&](int row, int target, int source) {
        return std::log(weights[row][target][source].item<double>());
      };
      const double expected =
          -(0.5 * a(0, 0, 1) + 0.5 * a(0, 0, 3) + a(0, 1, 2) + a(1, 1, 0) + a(1, 2, 1));
      const auto none = loss(0.0);
      const auto some = loss(0.7);
      CHECK(difference(some.loss - none.loss, at::scalar_tensor(0.7 * expected), 1e-5) == "");
      CHECK(difference(some.nll, none.nll, 1e-6) == "");
      some.loss.backward();
      const std::string query =
          read ? "decoder.layers." + std::to_string(*read) + ".cross_attention.query.weight"
               : "copy_head.query.weight";
      CHECK(model->named_parameters()[query].grad().isfinite().all().item<bool>());
    }
}

TEST_CASE("guided alignment goes with R-Drop and with batches without links",
          "[guided_alignment]") {
  dragoman::Transformer model = aligning_model(false);  // without dropout both passes are the same
  const dragoman::Batch batch = linked_batch(false);
  dragoman::LossOptions options;
  options.guided.weight = 0.5;
  const auto once = dragoman::batch_loss(model, batch, options);
  options.r_drop = 1.0;
  CHECK(difference(dragoman::batch_loss(model, batch, options).loss, once.loss, 1e-5) == "");
  dragoman::Batch bare = batch;
  bare.links = bare.link_weights = at::Tensor();
  options.r_drop = 0.0;
  const auto without = dragoman::batch_loss(model, bare, options);
  options.guided.weight = 0.0;
  CHECK(difference(without.loss, dragoman::batch_loss(model, bare, options).loss, 0.0) == "");
}

TEST_CASE("a guided model aligns better", "[guided_alignment][.slow]") {
  const auto trained = [](double weight) {
    dragoman::TrainingConfig config;
    config.guided_alignment = weight;
    dragoman::Transformer model = aligning_model(false);
    dragoman::Optimizer optimizer(config, *model);
    dragoman::Update update(config, model, optimizer, at::kCPU);
    const auto pairs = backwards(200, 3);
    const std::vector<dragoman::Batch> batches{dragoman::collate(pairs, {})};
    for (int step = 0; step < 250; ++step)
      update.run(batches, 3e-3);
    return error_rate(model, backwards(50, 4));
  };
  const double unguided = trained(0.0);
  const double guided = trained(1.0);
  CAPTURE(unguided, guided);
  CHECK(guided < 0.1);
  CHECK(unguided > guided + 0.3);
}
