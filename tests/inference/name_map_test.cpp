// Weights under names that a map explains, and activations beside those of the original.
#include <ATen/ATen.h>

#include <algorithm>
#include <string>
#include <vector>

#include "dragoman/data/archive.h"
#include "dragoman/data/config.h"
#include "dragoman/data/error.h"
#include "dragoman/data/safetensors.h"
#include "dragoman/inference/models/import/hugging_face.h"
#include "dragoman/inference/models/import/import_foreign.h"
#include "dragoman/inference/models/import/layer_comparison.h"
#include "tests/support/catch.h"
#include "tests/support/foreign_models.h"
#include "tests/support/temporary_folder.h"

namespace {

using Catch::Contains;
using dragoman::ImportedModel;
using dragoman::ImportOptions;
using dragoman_test::TemporaryFolder;

/// A MarianMT model of transformers; null: there is no transformers.
const TemporaryFolder* marian() {
  static const TemporaryFolder folder;
  static const bool is_made = dragoman_test::make_foreign_models(folder, "marian");
  return is_made ? &folder : nullptr;
}

const std::string kLayer = R"(
  "*.layers.N.self_attention.query_key_value.P": ["model.*.layers.N.self_attn.q_proj.P",
      "model.*.layers.N.self_attn.k_proj.P", "model.*.layers.N.self_attn.v_proj.P"],
  "*.layers.N.self_attention.output.P": "model.*.layers.N.self_attn.out_proj.P",
  "*.layers.N.self_attention_norm.P": "model.*.layers.N.self_attn_layer_norm.P",
  "*.layers.N.feed_forward.inner.P": "model.*.layers.N.fc1.P",
  "*.layers.N.feed_forward.outer.P": "model.*.layers.N.fc2.P",
  "*.layers.N.feed_forward_norm.P": "model.*.layers.N.final_layer_norm.P",)";
const std::string kCross = R"(
  "decoder.layers.N.cross_attention.query.P": "model.decoder.layers.N.encoder_attn.q_proj.P",
  "decoder.layers.N.cross_attention.key_value.P": ["model.decoder.layers.N.encoder_attn.k_proj.P",
      "model.decoder.layers.N.encoder_attn.v_proj.P"],
  "decoder.layers.N.cross_attention.output.P": "model.decoder.layers.N.encoder_attn.out_proj.P",
  "decoder.layers.N.cross_attention_norm.P": "model.decoder.layers.N.encoder_attn_layer_norm.P",)";

std::string with(std::string text, const std::string& old, const std::string& now) {
  for (std::size_t at = 0; (at = text.find(old, at)) != std::string::npos; at += now.size())
    text.replace(at, old.size(), now);
  return text;
}

/// What is which in transformers' MarianMT.
std::string marian_names() {
  std::string names;
  for (const std::string part : {"weight", "bias"}) {
    for (const std::string side : {"encoder", "decoder"})
      names += with(with(kLayer, "*", side), "P\"", part + "\"");
    names += with(kCross, "P\"", part + "\"");
  }
  return R"({"leave": ["*embed_positions*"], "names": {)" + with(names, ".N.", ".*.") +
         R"("output_head.bias": {"from": "bias", "transpose": false},
            "source_embedding.weight": {"from": ["turned"], "transpose": true}}})";
}

/// The first layer that differs; empty: none.
std::string first_difference(const ImportedModel& model,
                             const std::map<std::string, at::Tensor>& reference) {
  const auto layers = dragoman::compare_layers(model, reference, "reference");
  const auto first = std::ranges::find(layers, true, &dragoman::LayerDifference::differs);
  return first == layers.end() ? "" : first->name;
}

}  // namespace

TEST_CASE("weights alone are taken by a map of names", "[import]") {
  if (marian() == nullptr) {
    WARN("skipped: Python's transformers is not installed");
    return;
  }
  const ImportedModel wanted = dragoman::import_hugging_face(marian()->path("marian"), {});
  auto tensors = dragoman::load_safetensors(marian()->path("marian/model.safetensors"));
  REQUIRE(tensors.contains("model.shared.weight"));
  REQUIRE(tensors.contains("final_logits_bias"));
  tensors["turned"] = tensors.extract("model.shared.weight").mapped().t().contiguous();
  tensors["bias"] = tensors.extract("final_logits_bias").mapped().flatten();
  const TemporaryFolder folder;
  dragoman::save_archive({.tensors = tensors, .files = {}}, folder.path("w.pt"));
  folder.write("source.spm", wanted.source_tokenizer);
  folder.write("target.spm", wanted.target_tokenizer);
  folder.write("config.json", dragoman::to_json_text(wanted.model));
  ImportOptions options;
  options.names = folder.path("names.json");
  options.config = folder.path("config.json");
  options.source_tokenizer = folder.path("source.spm");
  options.target_tokenizer = folder.path("target.spm");
  const auto taken_by = [&](const std::string& names) {
    folder.write("names.json", names);
    return dragoman::import_foreign(folder.path("w.pt"), options);
  };
  const ImportedModel model = taken_by(marian_names());
  CHECK(model.model == wanted.model);
  REQUIRE(model.weights.size() == wanted.weights.size());
  for (const auto& [name, tensor] : wanted.weights) {
    INFO(name);
    CHECK(at::equal(model.weights.at(name), tensor));
  }
  CHECK(std::ranges::any_of(model.report.taken, [](const auto& taken) {
    return taken.to == "source_embedding.weight" && taken.change == "transposed";
  }));

  const auto message_of = [&](const std::string& names) {
    try {
      static_cast<void>(taken_by(names));
    } catch (const dragoman::Error& error) {
      return std::string(error.what());
    }
    return std::string("imported");
  };
  CHECK_THAT(message_of(with(marian_names(), "fc1.weight", "fc3.weight")),
             Contains("are missing") && Contains("model.encoder.layers.0.fc3.weight"));
  CHECK_THAT(message_of(with(marian_names(), R"("bias")", R"("turned")")),
             Contains("are not known") && Contains("\n  bias"));
  CHECK_THAT(message_of(R"({"names": {"a": 5}})"), Contains("'a' should name tensors"));
  CHECK_THAT(message_of(R"({"names": {"output_head.bias": "layer.*.bias"}})"),
             Contains("has fewer * than 'layer.*.bias'"));
  CHECK_THAT(message_of(R"({"name": {}})"), Contains("'name' is not known"));
  options.config = "";
  CHECK_THAT(message_of(marian_names()), Contains("--config: is needed with --names"));
}

TEST_CASE("the first layer that computes something else is named", "[import]") {
  if (marian() == nullptr) {
    WARN("skipped: Python's transformers is not installed");
    return;
  }
  ImportedModel model = dragoman::import_hugging_face(marian()->path("marian"), {});
  auto reference = dragoman::load_safetensors(marian()->path("marian/reference.safetensors"));
  CHECK(dragoman::compare_layers(model, reference, "reference").size() == 7);
  CHECK(first_difference(model, reference) == "");
  const auto spoilt = [&](const std::string& name) {
    ImportedModel other = model;
    other.weights.at(name) = other.weights.at(name) + 0.1;
    return first_difference(other, reference);
  };
  CHECK(spoilt("encoder.layers.1.feed_forward.inner.weight") == "encoder.layers.1");
  CHECK(spoilt("decoder.layers.0.cross_attention.key_value.bias") == "decoder.layers.0");
  CHECK(spoilt("decoder.layers.1.feed_forward_norm.bias") == "decoder.layers.1");
  CHECK(spoilt("output_head.bias") == "logits");
  CHECK(spoilt("source_embedding.weight") == "source_embedding");

  const auto refusal = [&](const std::string& name, const at::Tensor& tensor) {
    auto changed = reference;
    changed[name] = tensor;
    try {
      static_cast<void>(first_difference(model, changed));
    } catch (const dragoman::ModelError& error) {
      return std::string(error.what());
    }
    return std::string("compared");
  };
  CHECK_THAT(refusal("source", at::full({6, 3}, 1000, at::kLong)), Contains("'source' should be"));
  CHECK_THAT(refusal("source", at::zeros({5, 3}, at::kLong)), Contains("other numbers of rows"));
  CHECK_THAT(refusal("source_lengths", at::zeros({6}, at::kLong)), Contains("source_lengths"));
  CHECK_THAT(refusal("encoder.layers.0", at::zeros({6, 1, 24})), Contains("of shape"));
  CHECK_THAT(refusal("encoder.layers.2", at::zeros({6, 1, 24})), Contains("is no name"));
}
