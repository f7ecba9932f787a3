// The whole model against an independent implementation in Python.
#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "tests/modules/reference.h"
#include "tests/modules/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/close.h"
#include "tests/support/python.h"

using dragoman::Activation;
using dragoman::ModelConfig;
using dragoman::NormPosition;
using dragoman::PositionKind;
using dragoman::TiedEmbeddings;
using dragoman_test::Dict;
using dragoman_test::difference;

namespace {

constexpr double kSmoothing = 0.1;

struct ModelCase {
  std::string name;
  ModelConfig config;
};

std::vector<ModelCase> grid_cases() {
  std::vector<ModelCase> cases;
  for (const auto& [norm_name, norm] : names(NormPosition{}))
    for (const auto& [tied_name, tied] : names(TiedEmbeddings{}))
      for (const auto& [position_name, positions] : names(PositionKind{})) {
        ModelConfig config = dragoman_test::tiny_config();
        config.norm = norm;
        config.tied_embeddings = tied;
        config.positions = positions;
        const std::string name = std::string(norm_name) + " " + std::string(tied_name) + " " +
                                 std::string(position_name);
        cases.push_back({name, config});
      }
  return cases;
}

std::vector<ModelCase> special_cases() {
  std::vector<ModelCase> cases;
  for (const auto& [name, activation] : names(Activation{})) {
    cases.push_back({std::string(name), dragoman_test::tiny_config()});
    cases.back().config.activation = activation;
  }
  ModelCase unequal{"unequal stacks and vocabularies", dragoman_test::tiny_config()};
  unequal.config.decoder = {.layers = 1, .dim = 10, .heads = 2, .feed_forward = 14};
  unequal.config.encoder = {.layers = 3, .dim = 12, .heads = 4, .feed_forward = 9};
  unequal.config.tied_embeddings = TiedEmbeddings::none;
  unequal.config.source_vocabulary = 13;
  cases.push_back(unequal);
  unequal.name = "unequal stacks, post-norm, target tied";
  unequal.config.tied_embeddings = TiedEmbeddings::target_output;
  unequal.config.norm = NormPosition::post;
  cases.push_back(unequal);
  ModelCase plain{"no scale, no output bias, one head, odd width", dragoman_test::tiny_config()};
  plain.config.scale_embeddings = false;
  plain.config.output_bias = false;
  plain.config.encoder =
      plain.config.decoder = {.layers = 1, .dim = 7, .heads = 1, .feed_forward = 8};
  cases.push_back(plain);
  ModelCase t5{"as T5", dragoman_test::tiny_config()};
  t5.config.norm_type = dragoman::NormType::rms_norm;
  t5.config.positions = PositionKind::relative;
  t5.config.relative_buckets = 8;
  t5.config.relative_distance = 5;
  t5.config.linear_bias = t5.config.output_bias = false;
  t5.config.scale_attention = t5.config.scale_embeddings = false;
  t5.config.encoder.head_dim = t5.config.decoder.head_dim = 5;
  t5.config.output_scale = 0.3;
  cases.push_back(t5);
  t5.name = "as T5 1.1";
  t5.config.gated_feed_forward = true;
  t5.config.activation = dragoman::Activation::gelu_new;
  t5.config.tied_embeddings = TiedEmbeddings::source_target;
  t5.config.output_scale = 1.0;
  cases.push_back(t5);
  ModelCase bart{"as BART", dragoman_test::tiny_config()};
  bart.config.positions = PositionKind::learned;
  bart.config.position_offset = 2;
  bart.config.embedding_norm = true;
  bart.config.norm = NormPosition::post;
  cases.push_back(bart);
  bart.name = "as M2M-100";
  bart.config.positions = PositionKind::sinusoidal_tensor2tensor;
  bart.config.norm = NormPosition::pre;
  cases.push_back(bart);
  return cases;
}

std::vector<ModelCase> lstm_cases() {
  std::vector<ModelCase> cases;
  for (const auto& [tied_name, tied] : names(TiedEmbeddings{}))
    for (const std::int64_t layers : {1, 2, 3}) {
      ModelConfig config = dragoman_test::tiny_config();
      config.architecture = dragoman::Architecture::lstm;
      config.tied_embeddings = tied;
      config.encoder.layers = layers;
      config.decoder.layers = 4 - layers;
      cases.push_back({std::string(tied_name) + " " + std::to_string(layers), config});
    }
  ModelCase unequal{"unequal widths", dragoman_test::tiny_config()};
  unequal.config.architecture = dragoman::Architecture::lstm;
  unequal.config.tied_embeddings = TiedEmbeddings::none;
  unequal.config.encoder.dim = 10;
  unequal.config.source_vocabulary = 13;
  cases.push_back(unequal);
  return cases;
}

Dict case_dict(const ModelConfig& config) {
  const dragoman_test::TinyBatch batch = dragoman_test::tiny_batch();
  Dict dict = dragoman_test::empty_dict();
  dict.insert("config", dragoman_test::config_dict(config, kSmoothing));
  dict.insert("weights", dragoman_test::weights_dict(dragoman_test::tiny_model(config)));
  dict.insert("source", batch.source.clone());
  dict.insert("source_mask", batch.source_mask.clone());
  dict.insert("input", batch.input.clone());
  dict.insert("output", batch.output.clone());
  return dict;
}

void require_equal(const ModelCase& item, const Dict& expected) {
  INFO(item.name);
  dragoman::Transformer model = dragoman_test::tiny_model(item.config);
  const dragoman_test::TinyBatch batch = dragoman_test::tiny_batch();
  const at::Tensor memory = model->encode(batch.source, batch.source_mask);
  const at::Tensor padding = batch.source_mask.logical_not().unsqueeze(2);
  CHECK(difference(memory.masked_fill(padding, 0),
                   expected.at("memory").toTensor().masked_fill(padding, 0), 1e-5) == "");
  dragoman::DecoderState state = model->start(memory, batch.source_mask, false);
  const at::Tensor hidden = model->decode(batch.input, state);
  CHECK(difference(model->head()->log_probs(hidden), expected.at("log_probs").toTensor(), 1e-5) ==
        "");
  const dragoman::TokenLoss loss =
      model->head()->loss(hidden.flatten(0, 1), batch.output.flatten(), kSmoothing);
  CHECK(difference(loss.loss, expected.at("loss").toTensor(), 1e-5) == "");
  CHECK(difference(loss.nll, expected.at("nll").toTensor(), 1e-5) == "");
  CHECK(loss.correct.item<std::int64_t>() ==
        expected.at("correct").toTensor().item<std::int64_t>());
  loss.loss.backward();
  const Dict gradients = expected.at("gradients").toGenericDict();
  for (const auto& parameter : model->named_parameters()) {
    INFO(parameter.key());
    CHECK(difference(parameter.value().grad(), gradients.at(parameter.key()).toTensor(), 1e-5) ==
          "");
  }
}

void compare_with_python(const std::string& script, const std::vector<ModelCase>& cases) {
  if (dragoman_test::python().empty()) {
    WARN("skipped: no Python with PyTorch (set DRAGOMAN_PYTHON)");
    return;
  }
  std::vector<Dict> dicts;
  for (const ModelCase& item : cases)
    dicts.push_back(case_dict(item.config));
  const std::vector<Dict> results = dragoman_test::python_results(script, dicts);
  for (std::size_t index = 0; index < cases.size(); ++index)
    require_equal(cases[index], results[index]);
}

}  // namespace

TEST_CASE("the model equals the reference for each norm, tying and position kind",
          "[transformer]") {
  compare_with_python("transformer_reference.py", grid_cases());
}

TEST_CASE("the model equals the reference for each activation and for unequal stacks",
          "[transformer]") {
  compare_with_python("transformer_reference.py", special_cases());
}

TEST_CASE("an lstm equals the reference for each number of layers and tying", "[lstm]") {
  compare_with_python("lstm_reference.py", lstm_cases());
}
