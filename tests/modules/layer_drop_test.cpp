#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "dragoman/modules/dropout.h"
#include "tests/modules/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/close.h"

using dragoman_test::difference;
using dragoman_test::tiny_batch;
using dragoman_test::tiny_config;
using dragoman_test::tiny_model;

namespace {

struct Outputs {
  at::Tensor memory, hidden;
};

Outputs run_stacks(dragoman::Transformer& model) {
  const auto batch = tiny_batch();
  const at::Tensor memory = model->encode(batch.source, batch.source_mask);
  auto state = model->start(memory, batch.source_mask, false);
  return {memory, model->decode(batch.input, state)};
}

/// The same weights in a model of the layers that are left.
dragoman::Transformer pruned(const dragoman::Transformer& model, const std::vector<bool>& encoder,
                             const std::vector<bool>& decoder) {
  dragoman::ModelConfig config = model->config();
  config.encoder.layers = std::ranges::count(encoder, false);
  config.decoder.layers = std::ranges::count(decoder, false);
  dragoman::Transformer small(config);
  auto given = model->named_parameters();
  const at::NoGradGuard no_grad;
  for (auto& parameter : small->named_parameters()) {
    std::string name = parameter.key();
    for (const auto& [stack, dropped] :
         {std::pair("encoder.layers.", &encoder), std::pair("decoder.layers.", &decoder)}) {
      if (!name.starts_with(stack)) continue;
      const std::size_t begin = std::string(stack).size();
      std::int64_t left = std::stoll(name.substr(begin));
      std::size_t layer = 0;
      while ((*dropped)[layer] || left-- > 0)
        ++layer;
      name = stack + std::to_string(layer) + name.substr(name.find('.', begin));
    }
    parameter.value().copy_(given[name]);
  }
  small->train();
  return small;
}

}  // namespace

TEST_CASE("layers are drawn with the probability, and not at all without one", "[layer_drop]") {
  at::manual_seed(1);
  std::int64_t dropped = 0;
  for (int draw = 0; draw < 1000; ++draw)
    dropped += std::ranges::count(dragoman::draw_dropped_layers(6, 0.2), true);
  CHECK(std::abs(static_cast<double>(dropped) / 6000.0 - 0.2) < 0.02);
  const at::Tensor before = at::globalContext().defaultGenerator(at::kCPU).get_state();
  CHECK(dragoman::draw_dropped_layers(3, 0.0) == std::vector<bool>(3, false));
  CHECK(at::equal(at::globalContext().defaultGenerator(at::kCPU).get_state(), before));
}

TEST_CASE("a batch that goes past layers sees the network of the others", "[layer_drop]") {
  auto config = tiny_config();
  config.encoder.layers = config.decoder.layers = 3;
  config.norm = GENERATE(dragoman::NormPosition::pre, dragoman::NormPosition::post);
  config.layer_drop = 0.4;
  dragoman::Transformer model = tiny_model(config);
  model->train();
  int compared = 0;
  for (std::uint64_t seed = 1; compared < 5; ++seed) {
    at::manual_seed(seed);
    const auto encoder = dragoman::draw_dropped_layers(3, 0.4);
    const auto decoder = dragoman::draw_dropped_layers(3, 0.4);
    if (std::ranges::count(encoder, false) == 0 || std::ranges::count(decoder, false) == 0)
      continue;
    at::manual_seed(seed);
    const Outputs outputs = run_stacks(model);
    dragoman::Transformer rest = pruned(model, encoder, decoder);
    rest->eval();
    const Outputs expected = run_stacks(rest);
    CHECK(difference(outputs.memory, expected.memory, 1e-6) == "");
    CHECK(difference(outputs.hidden, expected.hidden, 1e-6) == "");
    for (auto& parameter : model->parameters())
      parameter.mutable_grad().reset();
    outputs.hidden.sum().backward();
    for (std::size_t layer = 0; layer < 3; ++layer) {
      const std::string name =
          "decoder.layers." + std::to_string(layer) + ".feed_forward.inner.weight";
      CAPTURE(name);
      CHECK(model->named_parameters()[name].grad().defined() != decoder[layer]);
    }
    ++compared;
  }
  // In evaluation nothing is dropped or scaled.
  model->eval();
  config.layer_drop = 0.0;
  dragoman::Transformer plain = tiny_model(config);
  CHECK(difference(run_stacks(model).hidden, run_stacks(plain).hidden, 0.0) == "");
}

TEST_CASE("a layer whose attention is read is never dropped", "[layer_drop]") {
  auto config = tiny_config();
  config.layer_drop = 0.9;
  config.copy_head.enabled = true;
  config.copy_head.pointer = dragoman::PointerKind::attention_head;
  config.copy_head.layer = 1;
  dragoman::Transformer model = tiny_model(config);
  model->train();
  const auto batch = tiny_batch();
  const at::Tensor memory = model->encode(batch.source, batch.source_mask);
  for (int times = 0; times < 20; ++times) {
    auto state = model->start(memory, batch.source_mask, false, {batch.source, 0});
    static_cast<void>(model->decode(batch.input, state));
    CHECK(state.layers[0].cross_scores.defined());
    CHECK_FALSE(state.layers[1].cross_scores.defined());
  }
}
