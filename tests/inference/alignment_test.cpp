// Attention that models keep, against the Python references, and the links that are made of it.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/inference/aligner.h"
#include "dragoman/inference/models/cpu_model.h"
#include "dragoman/inference/models/ensemble_model.h"
#include "dragoman/inference/models/native_model.h"
#include "dragoman/inference/translator.h"
#include "tests/inference/copying_batch.h"
#include "tests/inference/tiny_file.h"
#include "tests/modules/reference.h"
#include "tests/support/catch.h"

namespace {

using Catch::Matchers::Contains;
using dragoman::AlignmentLink;
using dragoman::AlignmentOutput;
using dragoman::CpuModel;
using dragoman::NativeModel;
using dragoman::StepModel;
using dragoman::TextRange;
using dragoman_test::Dict;

double attention_distance(const at::Tensor& one, const at::Tensor& other) {
  REQUIRE(one.sizes() == other.sizes());
  return (one.to(at::kDouble) - other.to(at::kDouble)).abs().max().item<double>();
}

std::vector<std::unique_ptr<StepModel>> both_models(const dragoman::Transformer& network) {
  std::vector<std::unique_ptr<StepModel>> models;
  models.push_back(std::make_unique<NativeModel>(network));
  models.push_back(std::make_unique<CpuModel>(network, dragoman::engine::WeightType::fp32));
  return models;
}

/// What the model keeps of given targets, in one pass and step by step: [B, T, S].
void check_kept(const StepModel& model, dragoman::SourceBatch source, std::int64_t layer,
                const at::Tensor& input, const at::Tensor& expected) {
  source.attention_layer = layer;
  CHECK(attention_distance(model.score(source, input, input).attention, expected) < 1e-5);
  const auto state = model.start(source);
  for (std::int64_t place = 0; place < input.size(1); ++place) {
    static_cast<void>(model.step(input.narrow(1, place, 1), *state));
    CHECK(attention_distance(model.attention(*state), expected.select(1, place)) < 1e-5);
  }
}

dragoman::SourceBatch reference_batch(const dragoman_test::TinyBatch& batch) {
  dragoman::SourceBatch source;
  source.ids = batch.source;
  source.lengths = batch.source_mask.sum(1);
  return source;
}

}  // namespace

TEST_CASE("the attention of a layer is what the reference computes", "[alignment]") {
  if (dragoman_test::python().empty()) {
    WARN("skipped: no Python with PyTorch (set DRAGOMAN_PYTHON)");
    return;
  }
  const at::NoGradGuard no_grad;
  dragoman::ModelConfig config = dragoman_test::tiny_config();
  config.decoder.layers = 3;
  const dragoman_test::TinyBatch batch = dragoman_test::tiny_batch();
  const dragoman::Transformer network = dragoman_test::tiny_model(config);
  network.ptr()->eval();
  Dict dict = dragoman_test::empty_dict();
  dict.insert("config", dragoman_test::config_dict(config, 0.0));
  dict.insert("weights", dragoman_test::weights_dict(network));
  dict.insert("source", batch.source.clone());
  dict.insert("source_mask", batch.source_mask.clone());
  dict.insert("input", batch.input.clone());
  dict.insert("output", batch.output.clone());
  const auto result = dragoman_test::python_results("transformer_reference.py", {dict}).front();
  std::vector<at::Tensor> layers;
  const c10::IValue listed = result.at("cross_weights");
  for (const c10::IValue& layer : listed.toListRef())
    layers.push_back(layer.toTensor());
  REQUIRE(layers.size() == 3);
  for (const auto& model : both_models(network)) {
    CHECK(model->attention_layers() == 3);
    for (std::int64_t layer = 1; layer <= 3; ++layer)
      check_kept(*model, reference_batch(batch), layer, batch.input, layers[layer - 1]);
    check_kept(*model, reference_batch(batch), 0, batch.input, layers[1]);  // the last but one
  }
}

TEST_CASE("by default the attention of a model that copies is its pointer", "[alignment]") {
  const at::NoGradGuard no_grad;
  for (const auto kind :
       {dragoman::PointerKind::dedicated, dragoman::PointerKind::attention_head}) {
    dragoman::ModelConfig config =
        dragoman_test::copying_config(dragoman_test::kCopyingWords, true);
    config.copy_head.pointer = kind;
    const dragoman::Transformer network = dragoman_test::tiny_transformer(config, 4);
    const dragoman::SourceBatch batch = dragoman_test::copying_batch();
    at::manual_seed(5);
    const at::Tensor input = at::randint(4, dragoman_test::kCopyingWords + 2, {4, 5}, at::kLong);
    const at::Tensor mask = dragoman::padding_mask(batch.lengths, batch.ids.size(1));
    auto network_copy = network;
    dragoman::DecoderState state = network_copy->start(network_copy->encode(batch.ids, mask), mask,
                                                       false, {batch.copy_ids, batch.extra_words});
    const at::Tensor hidden =
        network_copy->decode(input.masked_fill(input.ge(dragoman_test::kCopyingWords), 1), state);
    const at::Tensor expected =
        network_copy->copy_head()->point(hidden, input, state).log_weights.exp();
    for (const auto& model : both_models(network))
      check_kept(*model, batch, 0, input, expected);
  }
}

TEST_CASE("reordered rows keep their own attention, and an ensemble's is the mean", "[alignment]") {
  const at::NoGradGuard no_grad;
  const dragoman::SourceBatch plain = dragoman_test::copying_batch();
  dragoman::SourceBatch batch = plain;
  batch.attention_layer = 2;
  std::vector<std::unique_ptr<StepModel>> members;
  std::vector<at::Tensor> alone;
  const at::Tensor rows = at::tensor({1, 0, 2, 3, 7, 6}, at::kLong);
  const auto walk = [&](const StepModel& model) {
    const auto state = model.start(batch);
    static_cast<void>(model.step(at::full({4, 1}, 2, at::kLong), *state));
    model.reorder(*state, at::tensor({0, 0, 1, 1, 2, 2, 3, 3}, at::kLong), {});
    static_cast<void>(model.step(at::arange(10, 18, at::kLong).view({8, 1}), *state));
    model.reorder(*state, rows, at::tensor({0, 1, 3}, at::kLong));
    static_cast<void>(model.step(at::arange(20, 32, at::kLong).view({6, 2}), *state));
    return model.attention(*state);
  };
  for (const std::uint64_t seed : {1, 2}) {
    const auto network = dragoman_test::tiny_transformer(
        dragoman_test::tiny_config(dragoman_test::kCopyingWords), seed);
    alone.push_back(walk(NativeModel(network)));
    members.push_back(std::make_unique<CpuModel>(network, dragoman::engine::WeightType::fp32));
    CHECK(attention_distance(walk(*members.back()), alone.back()) < 1e-5);
    CHECK(attention_distance(alone.back().sum(1), at::ones({6})) < 1e-5);
  }
  const dragoman::EnsembleModel ensemble(std::move(members), {.weights = {1.0, 3.0}});
  CHECK(attention_distance(walk(ensemble), 0.25 * alone[0] + 0.75 * alone[1]) < 1e-5);
}

TEST_CASE("links go to the greatest weight, or to all above a threshold", "[alignment]") {
  const std::vector<std::vector<float>> weights{{0.1f, 0.7f, 0.2f}, {0.4f, 0.4f, 0.1f}};
  using Links = std::vector<AlignmentLink>;
  CHECK((dragoman::link_tokens(weights, 0.0) == Links{{1, 0}, {0, 1}}));
  CHECK((dragoman::link_tokens(weights, 0.2) == Links{{1, 0}, {2, 0}, {0, 1}, {1, 1}}));
  CHECK(dragoman::link_tokens(weights, 0.9).empty());
  CHECK(dragoman::pharaoh(Links{{1, 0}, {0, 1}}) == "1-0 0-1");
}

TEST_CASE("a model that copies aligns the words it copies to themselves", "[alignment]") {
  const dragoman::Tokenizer tokenizer = dragoman_test::tiny_tokenizer();
  dragoman::Transformer model =
      dragoman_test::tiny_transformer(dragoman_test::copying_config(tokenizer.size()), 3);
  {
    const at::NoGradGuard no_grad;  // the gate always copies
    auto parameters = model->named_parameters();
    parameters["copy_head.gate.weight"].zero_();
    parameters["copy_head.gate.bias"].fill_(-30.0);
  }
  const dragoman::PairEncoder encoder(tokenizer, tokenizer, {.enabled = true});
  dragoman::DecodingOptions options;
  options.beam_size = options.n_best = 3;
  options.alignment = AlignmentOutput::soft;
  options.provenance = true;
  options.max_length = 8;
  options.min_length = 2;
  const std::vector<std::string> texts{"two dogs \xe6\x9d\x8e play", "a \xf0\x9f\x8e\x89 man"};
  for (const auto& result : dragoman::translate_with(model, encoder, texts, options))
    for (const dragoman::Hypothesis& hypothesis : result.hypotheses) {
      const dragoman::Alignment& alignment = hypothesis.alignment;
      REQUIRE(alignment.weights.size() == hypothesis.tokens.size() + 1);
      REQUIRE(alignment.tokens.size() == hypothesis.tokens.size());
      for (const std::vector<float>& row : alignment.weights)
        CHECK(std::abs(std::accumulate(row.begin(), row.end(), 0.0f) - 1.0f) < 1e-5f);
      for (const AlignmentLink& link : alignment.tokens) {
        const auto target = static_cast<std::size_t>(link.target);
        // Where the pointer is surest is what was copied, unless two places share the word.
        const auto& row = alignment.weights[target];
        if (row[static_cast<std::size_t>(link.source)] <= 0.5f) continue;
        CHECK(alignment.source_tokens[static_cast<std::size_t>(link.source)] ==
              hypothesis.tokens[target]);
        CHECK(hypothesis.source_positions[target] == link.source);
      }
      CHECK(std::ranges::is_sorted(alignment.words, {}, [](const AlignmentLink& link) {
        return std::pair(link.target, link.source);
      }));
    }
}

TEST_CASE("searched, sampled, submitted and given texts have the same alignment", "[alignment]") {
  const dragoman_test::TinyFile file;
  const dragoman::Translator translator(file.path(), {.threads = 1});
  const std::string source = "two dogs play in the snow";
  dragoman::DecodingOptions options = translator.defaults();
  options.alignment = AlignmentOutput::soft;
  options.alignment_threshold = 0.2;
  for (const bool sample : {false, true}) {
    options.sample = sample;
    const auto found = translator.translate(source, options);
    const auto later = translator.submit(source, options).get();
    const dragoman::Alignment& alignment = found.alignment();
    CHECK(alignment.source_tokens.size() + 1 == alignment.weights.front().size());
    CHECK((later.alignment().tokens == alignment.tokens));
    CHECK((later.alignment().words == alignment.words));
    // A sample's text may be spelled in pieces that the tokeniser would not choose.
    const auto given = translator.score_batch(std::vector{source}, std::vector{found.text()},
                                              options.alignment_options());
    if (given.front().tokens != found.hypotheses.front().tokens) continue;
    CHECK((given.front().alignment.tokens == alignment.tokens));
    CHECK((given.front().alignment.words == alignment.words));
  }
  CHECK(translator.translate("", options).alignment().tokens.empty());
  CHECK(translator.translate(source).alignment().source_tokens.empty());
  options.attention_layer = 3;
  for (const auto& call : std::vector<std::function<void()>>{
           [&] { static_cast<void>(translator.translate(source, options)); },
           [&] { static_cast<void>(translator.submit(source, options)); },
           [&] {
             static_cast<void>(translator.score_batch(std::vector{source}, std::vector{source},
                                                      options.alignment_options()));
           }})
    CHECK_THROWS_WITH(call(), Contains("attention_layer: there is no decoder layer 3, the model "
                                       "has 2"));
}
