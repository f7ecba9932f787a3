#include "dragoman/inference/models/ctranslate2_export.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <sstream>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/model_file.h"
#include "dragoman/inference/translator.h"
#include "tests/inference/copying_batch.h"
#include "tests/inference/tiny_model.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

namespace {

dragoman::ModelFile saved(const dragoman::ModelConfig& config, const std::string& path) {
  save_archive(dragoman_test::tiny_archive(dragoman_test::tiny_transformer(config, 11)), path);
  return dragoman::load_model_file(path);
}

std::vector<dragoman::ModelConfig> architectures() {
  std::vector<dragoman::ModelConfig> all(4, dragoman_test::tiny_config(60));
  all[0].norm = dragoman::NormPosition::pre;
  all[0].tied_embeddings = dragoman::TiedEmbeddings::all;
  all[1].norm = dragoman::NormPosition::post;
  all[1].tied_embeddings = dragoman::TiedEmbeddings::none;
  all[1].activation = dragoman::Activation::gelu;
  all[1].positions = dragoman::PositionKind::learned;
  all[1].output_bias = true;
  all[2].tied_embeddings = dragoman::TiedEmbeddings::target_output;
  all[2].activation = dragoman::Activation::silu;
  all[2].decoder.layers = 1;
  all[2].scale_embeddings = !all[0].scale_embeddings;
  all[3].tied_embeddings = dragoman::TiedEmbeddings::source_output;
  for (dragoman::ModelConfig& config : all)
    config.max_positions = 64;
  return all;
}

}  // namespace

TEST_CASE("CTranslate2 computes with an exported model what we compute", "[export][python]") {
  const dragoman_test::TemporaryFolder folder;
  if (dragoman_test::python().empty() ||
      std::system(
          ("'" + dragoman_test::python() + "' -c 'import ctranslate2' 2>/dev/null").c_str()) != 0) {
    WARN("skipped: no Python with ctranslate2");
    return;
  }
  std::string lines;
  for (const std::string& line : dragoman_test::tiny_lines())
    lines += line + "\n";
  folder.write("lines", lines);
  for (const dragoman::ModelConfig& config : architectures()) {
    INFO("architecture\n" << dragoman::to_json_text(config));
    const dragoman::ModelFile file = saved(config, folder.path("m.pt"));
    export_ctranslate2(file, folder.path("exported"));
    REQUIRE(dragoman_test::run_python(
                DRAGOMAN_SOURCE_DIR "/tests/inference/ctranslate2_reference.py",
                folder.path("exported") + " " + folder.path("lines") + " " + folder.path("out")) ==
            0);
    const dragoman::Translator translator(folder.path("m.pt"));
    dragoman::DecodingOptions options;
    options.beam_size = 1;
    options.max_length = 12;
    options.max_length_ratio = 1000.0;
    options.allow_unknown = true;
    const auto found = translator.translate_batch(dragoman_test::tiny_lines(), options);
    std::istringstream expected(folder.read("out"));
    for (const dragoman::Translation& translation : found) {
      std::string tokens;
      std::string scores;
      REQUIRE(std::getline(expected, tokens, '\t'));
      REQUIRE(std::getline(expected, scores));
      const dragoman::Hypothesis& best = translation.hypotheses.front();
      CHECK(fmt::format("{}", fmt::join(best.tokens, " ")) == tokens);
      std::istringstream numbers(scores);
      for (const double ours : best.token_scores) {
        double theirs = 0.0;
        REQUIRE(numbers >> theirs);
        CHECK(ours == Approx(theirs).margin(2e-4));
      }
    }
  }
}

TEST_CASE("what the format does not have is refused", "[export]") {
  const dragoman_test::TemporaryFolder folder;
  const auto file = saved(dragoman_test::copying_config(60), folder.path("m.pt"));
  CHECK_THROWS_WITH(export_ctranslate2(file, folder.path("out")), Catch::Contains("copy head"));
}
