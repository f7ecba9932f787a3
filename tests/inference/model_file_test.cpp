#include "dragoman/inference/models/model_file.h"

#include "dragoman/data/error.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace {

using Catch::Contains;
using dragoman::Archive;
using dragoman::build_transformer;
using dragoman::load_model_file;
using dragoman::ModelError;
using dragoman_test::TemporaryFolder;
using dragoman_test::tiny_archive;
using dragoman_test::tiny_config;
using dragoman_test::tiny_transformer;

/// The message of the ModelError that opening `path` gives.
std::string refusal(const std::string& path) {
  try {
    static_cast<void>(build_transformer(load_model_file(path)));
  } catch (const ModelError& error) {
    CHECK(error.exit_code() == 4);
    return error.what();
  }
  return "no error";
}

std::string save(const TemporaryFolder& folder, const Archive& archive) {
  save_archive(archive, folder.path("model.pt"));
  return folder.path("model.pt");
}

}  // namespace

TEST_CASE("a model file gives back configuration, tokenisers and weights", "[model_file]") {
  const TemporaryFolder folder;
  const auto model = tiny_transformer(tiny_config(60));
  const auto file = load_model_file(save(folder, tiny_archive(model)));
  CHECK(file.model == model->config());
  CHECK(file.decoding.beam_size == 3);
  CHECK(file.decoding.n_best == 1);
  CHECK(file.is_joint);
  CHECK(file.encoder.target().size() == 60);
  CHECK(file.card == "{\"steps\": 7}");
  const auto built = build_transformer(file);
  CHECK_FALSE(built->is_training());
  for (const auto& [name, weight] : dragoman::named_weights(*model))
    CHECK(at::equal(weight, dragoman::named_weights(*built).at(name)));
}

TEST_CASE("a model file that is missing, foreign, truncated or damaged is refused",
          "[model_file]") {
  const TemporaryFolder folder;
  CHECK_THAT(refusal(folder.path("none.pt")), Contains("none.pt"));
  CHECK_THAT(refusal(folder.write("text.pt", "this is no model")), Contains("text.pt"));
  CHECK_THAT(refusal(folder.write("empty.pt", "")), Contains("empty.pt"));
  const std::string whole = save(folder, tiny_archive(tiny_transformer(tiny_config(60))));
  const std::string bytes = folder.read("model.pt");
  CHECK_THAT(refusal(folder.write("cut.pt", bytes.substr(0, bytes.size() / 2))),
             Contains("cut.pt"));
  for (const std::size_t place : {bytes.size() / 3, bytes.size() / 2, bytes.size() * 2 / 3}) {
    std::string flipped = bytes;
    flipped[place] = static_cast<char>(flipped[place] ^ 4);
    CHECK_THAT(refusal(folder.write("flipped.pt", flipped)), Contains("flipped.pt"));
  }
  CHECK(refusal(whole) == "no error");
}

TEST_CASE("an archive without configuration or tokeniser is no model", "[model_file]") {
  const TemporaryFolder folder;
  for (const std::string name : {"config.json", "source.spm"}) {
    Archive archive = tiny_archive(tiny_transformer(tiny_config(60)));
    archive.files.erase(name);
    CHECK_THAT(refusal(save(folder, archive)), Contains("holds no " + name));
  }
  Archive archive = tiny_archive(tiny_transformer(tiny_config(60)));
  archive.files["source.spm"] = "no tokeniser";
  CHECK_THAT(refusal(save(folder, archive)), Contains("source.spm"));
}

TEST_CASE("all parameters that do not fit the configuration are listed", "[model_file]") {
  const TemporaryFolder folder;
  Archive archive = tiny_archive(tiny_transformer(tiny_config(60)));
  REQUIRE(archive.tensors.size() > 3);
  auto tensor = archive.tensors.begin();
  const std::string missing = tensor->first;
  tensor = archive.tensors.erase(tensor);
  const std::string misshapen = tensor->first;
  tensor->second = at::zeros({3, 5});
  archive.tensors["stranger"] = at::zeros({1});
  const std::string message = refusal(save(folder, archive));
  CHECK_THAT(message, Contains("3 parameter(s)"));
  CHECK_THAT(message, Contains(missing + ": missing"));
  CHECK_THAT(message, Contains(misshapen + ": has shape [3, 5]"));
  CHECK_THAT(message, Contains("stranger: unknown name"));
}

TEST_CASE("a configuration that cannot be read is a model error", "[model_file]") {
  const TemporaryFolder folder;
  Archive archive = tiny_archive(tiny_transformer(tiny_config(60)));
  archive.files["config.json"] = R"({"model": {"encoder": {"dim": 0}, "norm": "middle"}})";
  const std::string message = refusal(save(folder, archive));
  CHECK_THAT(message, Contains("encoder.dim") && Contains("middle"));
  archive.files["config.json"] = "{";
  CHECK_THAT(refusal(save(folder, archive)), Contains("config.json"));
}

TEST_CASE("settings of another version are warned of and do not stop a model", "[model_file]") {
  const TemporaryFolder folder;
  Archive archive = tiny_archive(tiny_transformer(tiny_config(60)));
  std::string& config = archive.files["config.json"];
  config.insert(config.find("\"beam_size\""), "\"sampling\": {\"top_k\": 5}, ");
  config.insert(config.find("\"encoder\""), "\"adapters\": 2, ");
  const auto file = load_model_file(save(folder, archive));
  REQUIRE(file.warnings.size() == 2);
  CHECK_THAT(file.warnings[0], Contains("model.pt: config.json: model: adapters: this version"));
  CHECK_THAT(file.warnings[1], Contains("config.json: decoding: sampling: this version"));
  CHECK(file.decoding.beam_size == 3);
  CHECK_FALSE(build_transformer(file)->is_training());
  CHECK(load_model_file(save(folder, tiny_archive(tiny_transformer(tiny_config(60)))))
            .warnings.empty());
}

TEST_CASE("loading a model draws no random numbers", "[model_file]") {
  const TemporaryFolder folder;
  const auto file = load_model_file(save(folder, tiny_archive(tiny_transformer(tiny_config(60)))));
  at::manual_seed(5);
  const at::Tensor expected = at::rand({4});
  at::manual_seed(5);
  (void)build_transformer(file);
  CHECK(at::equal(at::rand({4}), expected));
}

TEST_CASE("a tokeniser of another size than the vocabulary is refused", "[model_file]") {
  const TemporaryFolder folder;
  const std::string message =
      refusal(save(folder, tiny_archive(tiny_transformer(tiny_config(61)))));
  CHECK_THAT(message, Contains("61") && Contains("60") && Contains("source_vocabulary"));
}
