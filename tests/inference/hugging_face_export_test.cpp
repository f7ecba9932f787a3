// Models for transformers: what it computes with them, and the way there and back.
#include "dragoman/inference/models/hugging_face_export.h"

#include <ATen/ATen.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/data/safetensors.h"
#include "dragoman/inference/models/import/hugging_face.h"
#include "dragoman/inference/models/model_file.h"
#include "dragoman/inference/models/safetensors_export.h"
#include "dragoman/inference/translator.h"
#include "tests/inference/copying_batch.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/close.h"
#include "tests/support/foreign_models.h"

namespace {

using dragoman::ModelConfig;
using dragoman::ModelFile;
using dragoman_test::TemporaryFolder;
using nlohmann::json;

ModelFile tiny_file(const ModelConfig& config, const std::string& path) {
  save_archive(dragoman_test::tiny_archive(dragoman_test::tiny_transformer(config, 11)), path);
  return dragoman::load_model_file(path);
}

std::vector<ModelConfig> exported_networks() {
  std::vector<ModelConfig> all(4, dragoman_test::tiny_config(60));
  all[1].norm = dragoman::NormPosition::post;
  all[1].tied_embeddings = dragoman::TiedEmbeddings::none;
  all[1].activation = dragoman::Activation::gelu;
  all[2].norm = dragoman::NormPosition::post;
  all[2].positions = dragoman::PositionKind::sinusoidal_split;
  all[2].scale_embeddings = false;
  all[2].output_bias = false;
  all[3].tied_embeddings = dragoman::TiedEmbeddings::source_output;
  all[3].activation = dragoman::Activation::silu;
  all[3].decoder.layers = 1;
  all[3].decoder.heads = 4;
  for (ModelConfig& config : all)
    config.max_positions = 64;
  return all;
}

/// Logits of the file's own network.
at::Tensor own_logits(const ModelFile& file, const json& row) {
  const at::NoGradGuard no_grad;
  dragoman::Transformer network = dragoman::build_transformer(file);
  const auto source = row.at("source").get<std::vector<std::int64_t>>();
  const auto target = row.at("target").get<std::vector<std::int64_t>>();
  auto state = network->start(network->encode(at::tensor(source, at::kLong).unsqueeze(0), {}), {},
                              /*keep_self=*/false);
  const at::Tensor hidden = network->decode(at::tensor(target, at::kLong).unsqueeze(0), state);
  return network->head()->logits(hidden).squeeze(0);
}

}  // namespace

TEST_CASE("transformers computes with an exported model what we compute", "[export][python]") {
  const TemporaryFolder folder;
  if (dragoman_test::python().empty() ||
      std::system(
          ("'" + dragoman_test::python() + "' -c 'import transformers' 2>/dev/null").c_str()) !=
          0) {
    WARN("skipped: Python's transformers is not installed");
    return;
  }
  std::string lines;
  for (const std::string& line : dragoman_test::tiny_lines())
    lines += line + "\n";
  folder.write("lines", lines);
  for (const ModelConfig& config : exported_networks()) {
    INFO("network\n" << dragoman::to_json_text(config));
    const ModelFile file = tiny_file(config, folder.path("m.pt"));
    export_safetensors(dragoman::to_hugging_face(file), folder.path("exported"));
    const int status = dragoman_test::run_python(
        DRAGOMAN_SOURCE_DIR "/tests/inference/hugging_face_export_reference.py",
        folder.path("exported") + " " + folder.path("lines") + " " + folder.path("out") + " 2>" +
            folder.path("err"));
    INFO(folder.read("err"));
    REQUIRE(status == 0);
    const json rows = json::parse(folder.read("out"));
    const dragoman::Translator translator(folder.path("m.pt"));
    dragoman::DecodingOptions options;
    options.beam_size = 1;
    options.max_length = 12;
    options.max_length_ratio = 1000.0;
    const auto found = translator.translate_batch(dragoman_test::tiny_lines(), options);
    REQUIRE(rows.size() == found.size());
    for (std::size_t index = 0; index < rows.size(); ++index) {
      CHECK(found[index].text() == rows[index].at("greedy").get<std::string>());
      const auto theirs = rows[index].at("logits").get<std::vector<std::vector<double>>>();
      const at::Tensor ours = own_logits(file, rows[index]);
      REQUIRE(ours.size(0) == static_cast<std::int64_t>(theirs.size()));
      for (std::size_t place = 0; place < theirs.size(); ++place)
        CHECK(at::allclose(ours[static_cast<std::int64_t>(place)],
                           at::tensor(theirs[place], at::kFloat), 1e-4, 1e-4));
    }
  }
}

TEST_CASE("what was imported from transformers is exported bit by bit", "[export][import]") {
  const TemporaryFolder folder;
  if (!dragoman_test::make_foreign_models(folder, "marian pegasus")) {
    WARN("skipped: Python's transformers is not installed");
    return;
  }
  for (const std::string family : {"marian", "pegasus"}) {
    INFO(family);
    const std::string path = folder.path(family + ".pt");
    save_archive(to_archive(dragoman::import_hugging_face(folder.path(family), {})), path);
    const std::string again = folder.path(family + ".again");
    export_safetensors(dragoman::to_hugging_face(dragoman::load_model_file(path)), again);
    const auto original = dragoman::load_safetensors(folder.path(family + "/model.safetensors"));
    const auto exported = dragoman::load_safetensors(again + "/model.safetensors");
    for (const auto& [name, tensor] : original) {
      INFO(name);
      if (name.find("embed_positions") != std::string::npos) continue;  // computed
      REQUIRE(exported.contains(name));
      CHECK(at::equal(exported.at(name), tensor));
    }
    const json config = json::parse(folder.read(family + "/config.json"));
    const json written = json::parse(folder.read(family + ".again/config.json"));
    for (const char* key : {"model_type", "d_model", "encoder_layers", "decoder_ffn_dim",
                            "decoder_attention_heads", "scale_embedding", "vocab_size",
                            "pad_token_id", "eos_token_id", "decoder_start_token_id"}) {
      INFO(key);
      CHECK(written.at(key) == config.at(key));
    }
    // And it comes back.
    const auto twice = dragoman::import_hugging_face(again, {});
    save_archive(to_archive(twice), folder.path("twice.pt"));
    const ModelFile first = dragoman::load_model_file(path);
    const ModelFile second = dragoman::load_model_file(folder.path("twice.pt"));
    REQUIRE(first.weights.size() == second.weights.size());
    for (const auto& [name, tensor] : first.weights)
      CHECK(at::equal(second.weights.at(name), tensor));
  }
}

TEST_CASE("transformers does not get what its networks do not have", "[export]") {
  using Catch::Contains;
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(
      dragoman::to_hugging_face(tiny_file(dragoman_test::copying_config(60), folder.path("m.pt"))),
      Contains("it has a copy head"));
  ModelConfig config = dragoman_test::tiny_config(60);
  config.positions = dragoman::PositionKind::learned;
  CHECK_THROWS_WITH(dragoman::to_hugging_face(tiny_file(config, folder.path("m.pt"))),
                    Contains("positions are not sinusoidal"));
  config = dragoman_test::tiny_config(60);
  config.norm_epsilon = 1e-6;
  CHECK_THROWS_WITH(dragoman::to_hugging_face(tiny_file(config, folder.path("m.pt"))),
                    Contains("norm_epsilon"));
}
