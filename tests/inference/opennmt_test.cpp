// Models that OpenNMT-py 3.5.1 trained (opennmt/make.py), imported: they say what it made them say.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "dragoman/data/archive.h"
#include "dragoman/data/error.h"
#include "dragoman/data/piece_text.h"
#include "dragoman/inference/models/import/import_foreign.h"
#include "dragoman/inference/models/model_file.h"
#include "dragoman/inference/translator.h"
#include "tests/fuzz/damage.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace {

using Catch::Contains;
using dragoman::ImportedModel;
using dragoman::ImportOptions;
using dragoman_test::TemporaryFolder;
using nlohmann::json;

const std::string kMade = DRAGOMAN_SOURCE_DIR "/tests/inference/opennmt/";

ImportOptions options_of(const std::string& name) {
  ImportOptions options;
  if (name != "pieces") return options;
  options.source_tokenizer = kMade + "pieces.source.model";
  options.target_tokenizer = kMade + "pieces.target.model";
  return options;
}

/// What SentencePiece reads of a line of its pieces.
std::string text_of(std::string line, bool has_pieces) {
  if (!has_pieces) return line;
  std::erase(line, ' ');
  for (std::size_t at = 0; (at = line.find(dragoman::kSpace, at)) != std::string::npos;)
    line.replace(at, dragoman::kSpace.size(), " ");
  return line.substr(1);
}

/// As OpenNMT-py prints them.
std::string line_of(const std::vector<std::string>& tokens, bool has_pieces) {
  std::string line;
  for (const std::string& token : tokens) {
    const bool is_marked = !has_pieces && token.starts_with(dragoman::kSpace);
    line += (line.empty() ? "" : " ") + (is_marked ? token.substr(dragoman::kSpace.size()) : token);
  }
  return line;
}

}  // namespace

TEST_CASE("models of OpenNMT-py say the same when they are imported", "[import]") {
  for (const std::string name : {"pieces", "copies"}) {
    const TemporaryFolder folder;
    const ImportedModel model = dragoman::import_foreign(kMade + name + ".pt", options_of(name));
    CHECK(model.model.copy_head.enabled == (name == "copies"));
    // The packed engine computes copying, and does not know the positions of the other.
    CHECK(model.model.modules_only() == (name == "copies" ? "" : "positions"));
    dragoman::save_archive(dragoman::to_archive(model), folder.path("m.pt"));
    const dragoman::Translator translator(folder.path("m.pt"), {.threads = 1});
    std::ifstream file(kMade + name + ".json");
    const json made = json::parse(file);
    const auto sources = made.at("source").get<std::vector<std::string>>();
    REQUIRE(sources.size() == 50);
    std::size_t copied = 0;
    for (const std::int64_t beams : {1, 4}) {
      const std::string kind = beams == 1 ? "greedy" : "beam";
      dragoman::DecodingOptions options = translator.defaults();
      options.beam_size = beams;
      options.max_length = 40;
      for (std::size_t row = 0; row < sources.size(); ++row) {
        const auto result =
            translator.translate(text_of(sources[row], name == "pieces"), options).hypotheses;
        REQUIRE(result.size() == 1);
        INFO(name << ", " << kind << ", input " << row << ": " << sources[row]);
        CHECK(line_of(result.front().tokens, name == "pieces") == made.at(kind)[row]);
        const double wanted = made.at(kind + "_scores")[row].get<double>();
        CHECK(std::abs(result.front().score - wanted) < 1e-4);
        copied += static_cast<std::size_t>(std::ranges::count_if(
            result.front().text, [](char c) { return c >= 'A' && c <= 'Z'; }));
      }
    }
    // Names are in no vocabulary.
    CHECK((copied > 8) == (name == "copies"));
  }
}

TEST_CASE("checkpoints that cannot become a model are refused with the reason", "[import]") {
  const TemporaryFolder folder;
  const auto refusal = [](const std::string& path, const ImportOptions& options) {
    try {
      static_cast<void>(dragoman::import_foreign(path, options));
    } catch (const dragoman::Error& error) {
      return std::string(error.what());
    }
    return std::string("imported");
  };
  CHECK_THAT(refusal(kMade + "pieces.pt", {}),
             Contains("is a piece of SentencePiece") && Contains("--source-tokenizer"));
  ImportOptions options = options_of("pieces");
  options.target_tokenizer = "";
  CHECK_THAT(refusal(kMade + "pieces.pt", options), Contains("--target-tokenizer"));
  options.source_language = "fr";
  CHECK_THAT(refusal(kMade + "pieces.pt", options), Contains("--source-language"));

  std::ifstream file(kMade + "copies.pt", std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(file), {});
  folder.write("short.pt", whole.substr(0, whole.size() / 2));
  CHECK_THAT(refusal(folder.path("short.pt"), {}), Contains("is truncated"));
  // One option, in a pickle whose checksum is made right again.
  const auto changed = [&](const std::string& from, const std::string& to) {
    auto members = dragoman_test::read_members(kMade + "copies.pt");
    for (auto& member : members)
      if (member.name.ends_with("/data.pkl")) {
        const std::size_t at = member.content.find(from);
        REQUIRE(at != std::string::npos);
        member.content.replace(at, from.size(), to);
      }
    folder.write("changed.pt", dragoman_test::zip_of(members));
    return refusal(folder.path("changed.pt"), {});
  };
  CHECK(changed("scaled-dot-flash", "scaled-dot-flash") == "imported");
  CHECK_THAT(changed("scaled-dot-flash", "average-or-other"),
             Contains("self_attn_type is \"average-or-other\""));
  CHECK_THAT(changed("linear_copy.weight", "linear_move.weight"),
             Contains("are missing") && Contains("generator.linear_copy.weight"));
  CHECK_THAT(changed("data_task", "data_tsk\xff"), Contains("no UTF-8"));
  CHECK_THAT(changed("argparse\nNamespace", "argparse\nNamespice"),
             Contains("makes an object that is no TorchScript module"));
  CHECK_THAT(changed("SinusoidalInterleaved", "SinusoidalInterleavex"),
             Contains("position_encoding_type is 'SinusoidalInterleavex'"));
}
