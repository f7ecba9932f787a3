// The CPU engine against the modules, which are tested against PyTorch: the same log-probabilities,
// word by word, along searches whose hypotheses are reordered and whose sentences leave.
#include "dragoman/inference/models/cpu_model.h"

#include <algorithm>
#include <cmath>

#include "dragoman/inference/models/native_model.h"
#include "dragoman/inference/search/beam_search.h"
#include "tests/inference/copying_batch.h"
#include "tests/inference/fake_model.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"

namespace {

using dragoman::Candidates;
using dragoman::CpuModel;
using dragoman::ModelConfig;
using dragoman::NativeModel;
using dragoman::SourceBatch;
using dragoman::engine::WeightType;
using dragoman_test::copying_batch;
using dragoman_test::copying_config;
using dragoman_test::kCopyingWords;
using dragoman_test::tiny_config;
using dragoman_test::tiny_transformer;

double largest_difference(const at::Tensor& one, const at::Tensor& other) {
  REQUIRE(one.sizes() == other.sizes());
  // Minus infinity on both sides is no difference.
  return (one.exp() - other.exp()).abs().max().item<double>() +
         (one - other)
             .masked_fill(at::logical_and(one.isinf(), other.isinf()), 0.0)
             .clamp(-1e9, 1e9)
             .abs()
             .max()
             .item<double>();
}

std::vector<ModelConfig> configurations() {
  std::vector<ModelConfig> all;
  for (const bool copies : {false, true}) {
    ModelConfig config = copying_config(kCopyingWords);
    config.copy_head.enabled = copies;
    all.push_back(config);
    config.norm = dragoman::NormPosition::post;
    config.activation = dragoman::Activation::gelu;
    config.tied_embeddings = dragoman::TiedEmbeddings::none;
    config.encoder = {.layers = 1, .dim = 24, .heads = 3, .feed_forward = 40};
    config.decoder = {.layers = 3, .dim = 20, .heads = 5, .feed_forward = 18};
    all.push_back(config);
    config = all[all.size() - 2];
    config.activation = dragoman::Activation::silu;
    config.positions = dragoman::PositionKind::learned;
    config.max_positions = 40;
    config.tied_embeddings = dragoman::TiedEmbeddings::source_target;
    config.output_bias = false;
    config.scale_embeddings = false;
    config.copy_head.coverage = true;
    config.copy_head.follow = false;
    all.push_back(config);
    config.positions = dragoman::PositionKind::sinusoidal_split;
    all.push_back(config);
    config.positions = dragoman::PositionKind::none;
    config.tied_embeddings = dragoman::TiedEmbeddings::target_output;
    config.copy_head.pointer = dragoman::PointerKind::attention_head;
    config.copy_head.layer = 1;
    config.copy_head.head = 2;
    config.copy_head.follow = true;
    all.push_back(config);
    config.tied_embeddings = dragoman::TiedEmbeddings::source_output;
    config.copy_head.pointer = dragoman::PointerKind::dedicated;
    config.copy_head.dim = 10;
    all.push_back(config);
  }
  return all;
}

/// Steps both models through prefixes, beams and departures, and compares every row.
void compare(const ModelConfig& config, std::uint64_t seed) {
  const dragoman::Transformer network = tiny_transformer(config, seed);
  const NativeModel modules(network);
  const CpuModel engine(network, WeightType::fp32);
  const SourceBatch batch = copying_batch();
  const auto expected = modules.start(batch);
  const auto found = engine.start(batch);
  const std::int64_t words = config.target_vocabulary + (config.copy_head.enabled ? 2 : 0);
  const auto both = [&](const at::Tensor& next) {
    CHECK(largest_difference(engine.step(next, *found), modules.step(next, *expected)) < 2e-4);
  };
  const auto reorder = [&](std::vector<std::int64_t> rows, const at::Tensor& sentences) {
    const at::Tensor order = at::tensor(rows, at::kLong);
    modules.reorder(*expected, order, sentences);
    engine.reorder(*found, order, sentences);
  };
  at::manual_seed(seed);
  both(at::full({4, 1}, 2, at::kLong));
  reorder({0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}, {});
  both(at::randint(4, words, {12, 1}, at::kLong));
  both(at::randint(4, words, {12, 3}, at::kLong));
  reorder({2, 1, 1, 8, 6, 6, 9, 11, 10}, at::tensor({0, 2, 3}, at::kLong));
  both(at::randint(4, words, {9, 1}, at::kLong));
  reorder({5, 4, 3, 6, 6, 8}, at::tensor({1, 2}, at::kLong));
  both(at::randint(4, words, {6, 2}, at::kLong));
  both(at::randint(4, words, {6, 1}, at::kLong));
}

}  // namespace

TEST_CASE("the engine computes what the modules compute", "[cpu_model]") {
  const at::NoGradGuard no_grad;
  std::uint64_t seed = 1;
  for (const ModelConfig& config : configurations()) {
    CAPTURE(seed);
    compare(config, seed++);
  }
}

TEST_CASE("the engine's candidates and scores are those of the modules", "[cpu_model]") {
  const at::NoGradGuard no_grad;
  std::uint64_t seed = 1;
  for (const ModelConfig& config : configurations()) {
    CAPTURE(seed);
    const dragoman::Transformer network = tiny_transformer(config, seed++);
    const NativeModel modules(network);
    const CpuModel engine(network, WeightType::fp32);
    const SourceBatch batch = copying_batch();
    const bool copies = config.copy_head.enabled;
    const auto first = modules.start(batch);
    const auto second = engine.start(batch);
    const std::vector<std::int64_t> forbidden = {0, 2, 7};
    std::vector<std::vector<std::int64_t>> required = {{5}, {}, {8, 9}, {4}};
    if (copies) required[0].push_back(kCopyingWords);
    dragoman::CandidateRequest request{6, forbidden, {}};
    if (copies) request.required = required;
    const at::Tensor next = at::randint(4, 100, {4, 2}, at::kLong);
    const Candidates expected = modules.step_candidates(next, *first, request);
    const Candidates found = engine.step_candidates(next, *second, request);
    CHECK(found.ids == expected.ids);
    for (std::size_t place = 0; place < found.log_probs.size(); ++place)
      CHECK(std::abs(found.log_probs[place] - expected.log_probs[place]) < 1e-4f);
    REQUIRE(found.required.size() == expected.required.size());
    for (std::size_t row = 0; row < found.required.size(); ++row)
      for (std::size_t place = 0; place < found.required[row].size(); ++place)
        CHECK(std::abs(found.required[row][place] - expected.required[row][place]) < 1e-4f);

    const at::Tensor input = at::randint(4, 100, {4, 9}, at::kLong);
    const at::Tensor output = copies ? at::cat({batch.copy_ids.clamp_min(4).narrow(1, 0, 5),
                                                at::randint(4, 100, {4, 4}, at::kLong)},
                                               1)
                                     : at::randint(4, 100, {4, 9}, at::kLong);
    const auto expected_scores = modules.score(batch, input, output);
    const auto found_scores = engine.score(batch, input, output);
    CHECK(largest_difference(found_scores.log_probs, expected_scores.log_probs) < 2e-4);
    REQUIRE(found_scores.copied.defined() == copies);
    if (!copies) continue;
    CHECK(at::allclose(found_scores.copied, expected_scores.copied, 1e-4, 1e-5));
    CHECK(at::equal(found_scores.positions, expected_scores.positions));
  }
}

TEST_CASE("fewer bits stay close, and take less memory", "[cpu_model]") {
  const at::NoGradGuard no_grad;
  for (const bool copies : {false, true}) {
    ModelConfig config = copying_config(kCopyingWords);
    config.copy_head.enabled = copies;
    const dragoman::Transformer network = tiny_transformer(config, 3);
    const SourceBatch batch = copying_batch();
    const at::Tensor next = at::full({4, 1}, 2, at::kLong);
    const CpuModel exact(network, WeightType::fp32);
    const at::Tensor expected = exact.step(next, *exact.start(batch));
    for (const WeightType type : {WeightType::bf16, WeightType::int8}) {
      const CpuModel rough(network, type);
      const at::Tensor found = rough.step(next, *rough.start(batch));
      const double difference = (found.exp() - expected.exp()).abs().max().item<double>();
      CHECK(difference > 0.0);
      // Eight bits on both sides show in so small a model: 0.036 with the copy head.
      CHECK(difference < (type == WeightType::int8 ? 0.05 : 0.02));
    }
  }
}

TEST_CASE("outputs of the engine do not depend on the batch, bit by bit", "[cpu_model]") {
  const at::NoGradGuard no_grad;
  for (const WeightType type : {WeightType::fp32, WeightType::bf16, WeightType::int8}) {
    const CpuModel model(tiny_transformer(copying_config(kCopyingWords), 9), type);
    const SourceBatch all = copying_batch();
    const dragoman::DecodingOptions options{.beam_size = 4, .n_best = 4, .max_length = 20};
    const auto together = dragoman::beam_search(model, all, {}, options);
    for (std::int64_t row = 0; row < 4; ++row) {
      SourceBatch alone = all;
      alone.ids = all.ids.narrow(0, row, 1);
      alone.lengths = all.lengths.narrow(0, row, 1);
      alone.copy_ids = all.copy_ids.narrow(0, row, 1);
      const auto found = dragoman::beam_search(model, alone, {}, options).front();
      const auto& expected = together[static_cast<std::size_t>(row)];
      REQUIRE(found.size() == expected.size());
      for (std::size_t rank = 0; rank < found.size(); ++rank) {
        CHECK(found[rank].ids == expected[rank].ids);
        CHECK(found[rank].log_probability == expected[rank].log_probability);
      }
    }
  }
}
