#include "dragoman/modules/transformer.h"

#include <ATen/ATen.h>

#include <vector>

#include "tests/modules/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/close.h"

using dragoman::DecoderState;
using dragoman::ModelConfig;
using dragoman::PositionKind;
using dragoman::Transformer;
using dragoman_test::difference;
using dragoman_test::tiny_batch;
using dragoman_test::tiny_config;
using dragoman_test::tiny_model;
using dragoman_test::TinyBatch;

namespace {

at::Tensor whole(Transformer& model, const TinyBatch& batch) {
  const at::Tensor memory = model->encode(batch.source, batch.source_mask);
  DecoderState state = model->start(memory, batch.source_mask, false);
  return model->head()->log_probs(model->decode(batch.input, state));  // [B, T, V]
}

/// The same in pieces of the given lengths.
at::Tensor in_pieces(Transformer& model, const TinyBatch& batch,
                     const std::vector<std::int64_t>& pieces) {
  const at::Tensor memory = model->encode(batch.source, batch.source_mask);
  DecoderState state = model->start(memory, batch.source_mask, true);
  std::vector<at::Tensor> parts;
  for (const std::int64_t length : pieces)
    parts.push_back(model->head()->log_probs(
        model->decode(batch.input.narrow(1, state.length, length), state)));
  return at::cat(parts, 1);
}

std::vector<ModelConfig> varied_configs() {
  ModelConfig post = tiny_config();
  post.norm = dragoman::NormPosition::post;
  post.positions = PositionKind::learned;
  ModelConfig unequal = tiny_config();
  unequal.decoder = {.layers = 1, .dim = 10, .heads = 2, .feed_forward = 14};
  unequal.tied_embeddings = dragoman::TiedEmbeddings::none;
  unequal.positions = PositionKind::none;
  ModelConfig lstm = tiny_config();
  lstm.architecture = dragoman::Architecture::lstm;
  return {tiny_config(), post, unequal, lstm};
}

}  // namespace

TEST_CASE("a decoder gives the same log-probabilities for any split of its input",
          "[transformer]") {
  const at::NoGradGuard no_grad;
  const TinyBatch batch = tiny_batch();
  for (const ModelConfig& config : varied_configs()) {
    Transformer model = tiny_model(config);
    const at::Tensor expected = whole(model, batch);
    for (const std::vector<std::int64_t>& pieces :
         std::vector<std::vector<std::int64_t>>{{1, 1, 1, 1}, {4}, {2, 2}, {1, 3}, {3, 1}})
      CHECK(difference(in_pieces(model, batch, pieces), expected, 1e-6) == "");
  }
}

TEST_CASE("a state that keeps nothing is unchanged by decoding and can be used again",
          "[transformer]") {
  const at::NoGradGuard no_grad;
  const TinyBatch batch = tiny_batch();
  Transformer model = tiny_model(tiny_config());
  DecoderState state =
      model->start(model->encode(batch.source, batch.source_mask), batch.source_mask, false);
  const at::Tensor first = model->decode(batch.input, state);
  CHECK(state.length == 0);
  CHECK_FALSE(state.layers[0].self_keys.defined());
  CHECK(difference(model->decode(batch.input, state), first, 0.0) == "");
}

TEST_CASE("what stands in padding does not matter", "[transformer]") {
  const at::NoGradGuard no_grad;
  const TinyBatch batch = tiny_batch();
  TinyBatch other = batch;
  other.source = batch.source.where(batch.source_mask, at::full_like(batch.source, 9));
  Transformer model = tiny_model(tiny_config());
  CHECK(difference(whole(model, other), whole(model, batch), 0.0) == "");
}

TEST_CASE("a sentence alone gives what it gives in a batch", "[transformer]") {
  const at::NoGradGuard no_grad;
  const TinyBatch batch = tiny_batch();
  for (const ModelConfig& config : varied_configs()) {
    Transformer model = tiny_model(config);
    const at::Tensor expected = whole(model, batch);
    const at::Tensor lengths = batch.source_mask.sum(1);
    for (std::int64_t sentence = 0; sentence < 3; ++sentence) {
      const auto length = lengths[sentence].item<std::int64_t>();
      const TinyBatch alone{batch.source.narrow(0, sentence, 1).narrow(1, 0, length), at::Tensor(),
                            batch.input.narrow(0, sentence, 1), at::Tensor()};
      CHECK(difference(whole(model, alone), expected.narrow(0, sentence, 1), 1e-6) == "");
    }
  }
}

TEST_CASE("later target tokens do not change earlier positions", "[transformer]") {
  const at::NoGradGuard no_grad;
  const TinyBatch batch = tiny_batch();
  TinyBatch other = batch;
  other.input = batch.input.clone();
  other.input.select(1, 3).fill_(2);
  Transformer model = tiny_model(tiny_config());
  CHECK(difference(whole(model, other).narrow(1, 0, 3), whole(model, batch).narrow(1, 0, 3), 0.0) ==
        "");
}

TEST_CASE("beams of a sentence share its memory", "[transformer]") {
  const at::NoGradGuard no_grad;
  const TinyBatch batch = tiny_batch();
  const at::Tensor tokens = at::arange(6 * 3, at::kLong).remainder(11).view({6, 3});  // 2 beams
  for (const ModelConfig& config : varied_configs()) {
    Transformer model = tiny_model(config);
    const at::Tensor memory = model->encode(batch.source, batch.source_mask);
    DecoderState state = model->start(memory, batch.source_mask, true);
    const at::Tensor together = model->decode(tokens, state);
    const at::Tensor repeated_mask = batch.source_mask.repeat_interleave(2, 0);
    DecoderState repeated = model->start(memory.repeat_interleave(2, 0), repeated_mask, true);
    CHECK(difference(together, model->decode(tokens, repeated), 1e-6) == "");
  }
}

TEST_CASE("rows may be copied and sentences dropped between steps", "[transformer]") {
  const at::NoGradGuard no_grad;
  const TinyBatch batch = tiny_batch();
  for (const ModelConfig& config : varied_configs()) {
    Transformer model = tiny_model(config);
    const at::Tensor memory = model->encode(batch.source, batch.source_mask);
    DecoderState state = model->start(memory, batch.source_mask, true);
    (void)model->decode(batch.input.narrow(1, 0, 2), state);
    // Sentences 2 and 0 stay, with two hypotheses each.
    state.reorder(at::tensor({2, 2, 0, 0}, at::kLong));
    state.keep_sentences(at::tensor({2, 0}, at::kLong));
    const at::Tensor next = at::tensor({1, 5, 1, 5}, at::kLong).view({4, 1});
    const at::Tensor actual = model->decode(next, state);

    for (std::int64_t row = 0; row < 4; ++row) {
      const std::int64_t sentence = row < 2 ? 2 : 0;
      const at::Tensor tokens =
          at::cat({batch.input.narrow(0, sentence, 1).narrow(1, 0, 2), next.narrow(0, row, 1)}, 1);
      DecoderState alone = model->start(memory.narrow(0, sentence, 1),
                                        batch.source_mask.narrow(0, sentence, 1), false);
      const at::Tensor expected = model->decode(tokens, alone).narrow(1, 2, 1);
      CHECK(difference(actual.narrow(0, row, 1), expected, 1e-6) == "");
    }
  }
}

TEST_CASE("bfloat16 activations stay close to float32", "[transformer]") {
  const TinyBatch batch = tiny_batch();
  Transformer model = tiny_model(tiny_config());
  const at::Tensor expected = whole(model, batch);
  model->set_compute_type(at::kBFloat16);
  const at::Tensor memory = model->encode(batch.source, batch.source_mask);
  CHECK(memory.scalar_type() == at::kBFloat16);
  const at::Tensor actual = whole(model, batch);
  CHECK(actual.scalar_type() == at::kFloat);
  CHECK(difference(actual, expected, 0.03) == "");

  DecoderState state = model->start(memory, batch.source_mask, false);
  const at::Tensor hidden = model->decode(batch.input, state).flatten(0, 1);
  const dragoman::TokenLoss loss = model->head()->loss(hidden, batch.output.flatten(), 0.1);
  CHECK(loss.loss.scalar_type() == at::kFloat);
  loss.loss.backward();
  for (const auto& parameter : model->named_parameters()) {
    INFO(parameter.key());
    CHECK(parameter.value().scalar_type() == at::kFloat);
    CHECK(parameter.value().grad().isfinite().all().item<bool>());
  }
  model->set_compute_type(at::kFloat);
  CHECK(difference(whole(model, batch), expected, 0.0) == "");
}

TEST_CASE("gradients in bfloat16 point where those in float32 do", "[transformer]") {
  const TinyBatch batch = tiny_batch();
  const auto gradients = [&](at::ScalarType type) {
    Transformer model = tiny_model(tiny_config());
    model->set_compute_type(type);
    DecoderState state =
        model->start(model->encode(batch.source, batch.source_mask), batch.source_mask, false);
    const at::Tensor hidden = model->decode(batch.input, state).flatten(0, 1);
    model->head()->loss(hidden, batch.output.flatten(), 0.1).loss.backward();
    std::vector<at::Tensor> flat;
    for (const at::Tensor& parameter : model->parameters())
      flat.push_back(parameter.grad().flatten());
    return at::cat(flat);
  };
  const at::Tensor exact = gradients(at::kFloat);
  CHECK(at::cosine_similarity(gradients(at::kBFloat16), exact, 0).item<double>() > 0.999);
}

TEST_CASE("training mode with dropout differs between calls, evaluation does not",
          "[transformer]") {
  const at::NoGradGuard no_grad;
  const TinyBatch batch = tiny_batch();
  ModelConfig config = tiny_config();
  const at::Tensor expected = [&] {
    Transformer model = tiny_model(config);
    return whole(model, batch);
  }();
  for (double ModelConfig::*field :
       {&ModelConfig::dropout, &ModelConfig::attention_dropout, &ModelConfig::activation_dropout,
        &ModelConfig::word_dropout}) {
    config = tiny_config();
    config.*field = 0.5;
    Transformer model = tiny_model(config);
    at::manual_seed(1);
    const at::Tensor first = whole(model, batch);
    CHECK(difference(whole(model, batch), first, 1e-3) != "");
    at::manual_seed(1);
    CHECK(difference(whole(model, batch), first, 0.0) == "");
    model->eval();
    CHECK(difference(whole(model, batch), expected, 0.0) == "");
  }
}

TEST_CASE("learned positions end at their table, sinusoidal ones do not end", "[transformer]") {
  const at::NoGradGuard no_grad;
  const at::Tensor source = at::ones({1, 17}, at::kLong);
  ModelConfig config = tiny_config();  // max_positions 16
  CHECK(tiny_model(config)->encode(source, {}).isfinite().all().item<bool>());
  config.positions = PositionKind::learned;
  Transformer learned = tiny_model(config);
  CHECK(learned->encode(source.narrow(1, 0, 16), {}).size(1) == 16);
  CHECK_THROWS_WITH(learned->encode(source, {}),
                    Catch::Contains("17") && Catch::Contains("max_positions (16)"));
}

TEST_CASE("tied matrices are one parameter with one name", "[transformer]") {
  const auto names = [](dragoman::TiedEmbeddings tied) {
    ModelConfig config = tiny_config();
    config.tied_embeddings = tied;
    std::vector<std::string> found;
    for (const auto& parameter : Transformer(config)->named_parameters())
      if (parameter.value().size(0) == 11 && parameter.value().dim() == 2)
        found.push_back(parameter.key());
    return found;
  };
  using dragoman::TiedEmbeddings;
  const std::string source = "source_embedding.weight";
  const std::string target = "target_embedding.weight";
  const std::string output = "output_head.weight";
  CHECK(names(TiedEmbeddings::all) == std::vector{source});
  CHECK(names(TiedEmbeddings::none) == std::vector{source, target, output});
  CHECK(names(TiedEmbeddings::source_target) == std::vector{source, output});
  CHECK(names(TiedEmbeddings::target_output) == std::vector{source, target});
  CHECK(names(TiedEmbeddings::source_output) == std::vector{source, target});
}

TEST_CASE("tied matrices stay tied when the model changes its type", "[transformer]") {
  const at::NoGradGuard no_grad;
  const TinyBatch batch = tiny_batch();
  Transformer model = tiny_model(tiny_config());
  const at::Tensor expected = whole(model, batch);
  model->to(at::kDouble);
  model->set_compute_type(at::kDouble);
  const at::Tensor actual = whole(model, batch);
  CHECK(difference(actual, expected, 1e-6) == "");
}
