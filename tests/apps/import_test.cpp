// A foreign model through the whole program: import, look inside, translate, export, train on.
#include <ATen/ATen.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "dragoman/data/safetensors.h"
#include "tests/apps/tiny_task.h"
#include "tests/support/catch.h"
#include "tests/support/foreign_models.h"

using Catch::Matchers::Contains;
using dragoman_test::run_program;
using dragoman_test::TemporaryFolder;

namespace {

/// Follows the lines of the report from the original to what was exported.
void check_exported(const std::string& report, const std::string& original,
                    const std::string& exported) {
  const auto theirs = dragoman::load_safetensors(original);
  const auto ours = dragoman::load_safetensors(exported);
  std::istringstream lines(report);
  std::size_t told = 0;
  std::size_t left = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "left") ++left;
    if (word != "taken") continue;
    std::vector<at::Tensor> parts;
    while (words >> word && word != "->")
      if (word != "+") parts.push_back(theirs.at(word));
    told += parts.size();
    words >> word;
    INFO(line);
    CHECK(at::equal(at::cat(parts, 0).flatten(), ours.at(word).flatten()));
  }
  CHECK(told + left == theirs.size());
}

std::string inspected_model(const TemporaryFolder& folder, const std::string& file) {
  const auto shown = run_program(folder, "inspect --format json " + file);
  REQUIRE(shown.status == 0);
  return nlohmann::json::parse(shown.out).at("model").dump();
}

}  // namespace

TEST_CASE("an imported model is used, exported and trained on like our own", "[program][import]") {
  const TemporaryFolder folder;
  if (!dragoman_test::make_foreign_models(folder, "marian t5")) {
    WARN("skipped: Python's transformers is not installed");
    return;
  }
  folder.write("text", "two dogs play\nthe old man\n");
  for (const std::string family : {"marian", "t5"}) {
    INFO(family);
    const auto import = run_program(folder, "import " + family + " -o " + family + ".pt");
    INFO(import.err);
    REQUIRE(import.status == 0);
    CHECK_THAT(import.out, Contains("none missing, none unknown"));
    const auto said = run_program(folder, "translate -q -m " + family + ".pt -i text");
    CHECK(said.status == 0);
    CHECK(std::ranges::count(said.out, '\n') == 2);
    const auto exported =
        run_program(folder, "export " + family + ".pt --format safetensors -o " + family + ".out");
    CHECK(exported.status == 0);
    check_exported(import.out, folder.path(family + "/model.safetensors"),
                   folder.path(family + ".out/model.safetensors"));

    // Training goes on from every weight.
    folder.write("more.json", R"({"data": {"train": [{"source": "text", "target": "text"}],
      "dev": {"source": "text", "target": "text"}},
      "tokenizer": {"joint": )" + std::string(family == "t5" ? "true" : "false") +
                                  R"(}, "model": )" + inspected_model(folder, family + ".pt") +
                                  R"(, "training": {"output": "run-)" + family +
                                  R"(", "max_steps": 30, "warmup_steps": 3, "threads": 1,
      "learning_rate": 0.01, "validate_every": 30, "save_every": 30, "report_every": 10,
      "average_best": 0, "tensorboard": false}})");
    const auto trained = run_program(folder, "train more.json --init-from " + family + ".pt");
    INFO(trained.err);
    REQUIRE(trained.status == 0);
    CHECK_THAT(trained.err, Contains("starting from " + family + ".pt: "));
    CHECK_THAT(trained.err, !Contains("left random") && !Contains("not used"));
    CHECK(run_program(folder, "translate -q -m run-" + family + "/best.pt -i text").status == 0);
  }
  // The packed engine knows MarianMT, and does not know T5.
  CHECK(run_program(folder, "translate -q -m marian.pt -i text --precision int8").status == 0);
  CHECK(run_program(folder, "export marian.pt --format ctranslate2 -o ct2").status == 0);
  CHECK_THAT(run_program(folder, "inspect marian.pt").out, Contains("decode_step("));
  for (const std::string refused :
       {"translate -q -m t5.pt -i text --precision int8", "export t5.pt --format ctranslate2 -o x",
        "export t5.pt --format torchscript -o x.pt", "quantize t5.pt -o x.pt --force"}) {
    const auto result = run_program(folder, refused);
    INFO(refused);
    CHECK(result.status == 2);
    CHECK_THAT(result.err, Contains("norm_type"));
  }
}

TEST_CASE("a checkpoint of OpenNMT-py copies in the program", "[program][import]") {
  const TemporaryFolder folder;
  const std::string made = DRAGOMAN_SOURCE_DIR "/tests/inference/opennmt/";
  const auto import = run_program(folder, "import " + made + "copies.pt -o m.pt");
  INFO(import.err);
  REQUIRE(import.status == 0);
  CHECK_THAT(import.out, Contains("copy_head.gate.weight (negated, zeros for what is pointed at)"));
  CHECK_THAT(import.out, Contains("made    decoder.layers.0.cross_attention.query.bias (zeros"));
  folder.write("text", "ni Bapeba ko\n");
  CHECK_THAT(run_program(folder, "translate -q -m m.pt -i text").out, Contains("Bapeba"));
  const auto pieces = run_program(folder, "import " + made + "pieces.pt -o p.pt");
  CHECK(pieces.status == 4);
  CHECK_THAT(pieces.err, Contains("--source-tokenizer FILE.model"));
  const auto config = run_program(folder, "import " + made + "copies.pt --config x.json -o p.pt");
  CHECK(config.status == 2);
  CHECK_THAT(config.err, Contains("with --names"));
}

TEST_CASE("import compares with activations of the original", "[program][import]") {
  const TemporaryFolder folder;
  if (!dragoman_test::make_foreign_models(folder, "marian")) {
    WARN("skipped: Python's transformers is not installed");
    return;
  }
  const std::string command = "import marian --reference marian/reference.safetensors -o ";
  const auto same = run_program(folder, command + "m.pt");
  INFO(same.err);
  REQUIRE(same.status == 0);
  CHECK_THAT(same.out, Contains("same    encoder.layers.0") && Contains("same    logits"));
  // Another activation is another network.
  std::string config = folder.read("marian/config.json");
  const std::size_t at = config.find("\"swish\"");
  REQUIRE(at != std::string::npos);
  folder.write("marian/config.json", config.replace(at, 7, "\"relu\""));
  const auto other = run_program(folder, command + "other.pt");
  CHECK(other.status == 4);
  CHECK_THAT(other.out,
             Contains("same    source_embedding") && Contains("differs encoder.layers.0"));
  CHECK_THAT(other.err, Contains("encoder.layers.0 is the first that differs"));
  CHECK(run_program(folder, "inspect other.pt").status == 4);
}

TEST_CASE("what cannot be imported is refused before anything is written", "[program][import]") {
  const TemporaryFolder folder;
  folder.write("config.json", R"({"model_type": "bert"})");
  const auto unknown = run_program(folder, "import . -o out.pt");
  CHECK(unknown.status == 4);
  CHECK_THAT(unknown.err, Contains("the family 'bert' is not known. Known are marian"));
  CHECK_THAT(run_program(folder, "import nowhere -o out.pt").err, Contains("is no folder"));
  folder.write("config.json", R"({"model_type": "bart"})");
  CHECK_THAT(run_program(folder, "import . -o out.pt").err,
             Contains("holds neither model.safetensors nor pytorch_model.bin"));
  CHECK(run_program(folder, "translate -m out.pt").status == 4);
}
