// Checkpoints of fairseq that cannot become a model; import_test.cpp has those that do.
#include <filesystem>
#include <string>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/import/import_foreign.h"
#include "tests/fuzz/damage.h"
#include "tests/support/catch.h"
#include "tests/support/foreign_models.h"
#include "tests/support/temporary_folder.h"

namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using dragoman::ImportOptions;
using dragoman_test::TemporaryFolder;

/// Why not; or "imported".
std::string fairseq_outcome(const std::string& folder, const ImportOptions& options) {
  try {
    static_cast<void>(dragoman::import_foreign(folder + "/checkpoint_best.pt", options));
  } catch (const dragoman::Error& error) {
    return error.what();
  }
  return "imported";
}

}  // namespace

TEST_CASE("checkpoints of fairseq that cannot become a model are refused with the reason",
          "[import]") {
  const TemporaryFolder made;
  if (!dragoman_test::make_foreign_models(made, "fairseq_words fairseq_pieces")) {
    WARN("skipped: Python's transformers is not installed");
    return;
  }
  const TemporaryFolder work;
  const std::string model = work.path("m");
  const auto start_afresh = [&](const std::string& family) {
    fs::remove_all(model);
    fs::copy(made.path(family), model);
  };
  const auto with_dictionary = [&](const std::string& content) {
    start_afresh("fairseq_words");
    work.write("m/dict.en.txt", content);
    return fairseq_outcome(model, {});
  };
  // In a pickle whose checksum is made right again; both texts are as long.
  const auto changed = [&](const std::string& family, const std::string& from,
                           const std::string& to) {
    start_afresh(family);
    auto members = dragoman_test::read_members(model + "/checkpoint_best.pt");
    for (auto& member : members)
      if (member.name.ends_with("/data.pkl")) {
        const std::size_t place = member.content.find(from);
        REQUIRE(place != std::string::npos);
        member.content.replace(place, from.size(), to);
      }
    work.write("m/checkpoint_best.pt", dragoman_test::zip_of(members));
    return fairseq_outcome(model, {});
  };
  /// An option that has the value False is true then.
  const auto switched_on = [&](const std::string& option) {
    start_afresh("fairseq_words");
    auto members = dragoman_test::read_members(model + "/checkpoint_best.pt");
    for (auto& member : members)
      if (member.name.ends_with("/data.pkl")) {
        const std::size_t name = member.content.find(option);
        REQUIRE(name != std::string::npos);
        const std::size_t place = member.content.find('\x89', name + option.size());
        REQUIRE(place - name - option.size() < 8);
        member.content[place] = '\x88';
      }
    work.write("m/checkpoint_best.pt", dragoman_test::zip_of(members));
    return fairseq_outcome(model, {});
  };

  start_afresh("fairseq_words");
  CHECK(fairseq_outcome(model, {}) == "imported");
  ImportOptions options;
  options.source_language = "fr";
  CHECK_THAT(fairseq_outcome(model, options),
             Contains("dict.fr.txt: there is no such file") && Contains("fairseq-preprocess"));
  options.source_language = "../m/dict.en";
  CHECK_THAT(fairseq_outcome(model, options),
             Contains("is no language") && Contains("--source-language"));
  start_afresh("fairseq_pieces");
  CHECK_THAT(fairseq_outcome(model, {}),
             Contains("is a piece of SentencePiece") && Contains("--source-tokenizer"));

  const std::string whole = made.read("fairseq_words/dict.en.txt");
  CHECK_THAT(with_dictionary(whole + "more 1\n"), Contains("but the embedding has"));
  CHECK_THAT(with_dictionary("word\n" + whole),
             Contains("dict.en.txt:1: is 'word', it should be a word and its count"));
  CHECK_THAT(with_dictionary("word 1x\n" + whole), Contains("it should be a word and its count"));
  CHECK_THAT(with_dictionary("the 1 #fairseq:overwrite\n"), Contains("dict.en.txt:1:"));
  CHECK_THAT(with_dictionary("a\xff 1\n"), Contains("is no UTF-8"));
  const std::string repeated = whole.substr(0, whole.find('\n') + 1);
  CHECK(with_dictionary(repeated + repeated + whole.substr(2 * repeated.size())) != "imported");

  const std::string words = "fairseq_words";
  CHECK(changed(words, "transformer_iwslt_de_en", "transformer_iwslt_de_en") == "imported");
  CHECK_THAT(changed(words, "transformer_iwslt_de_en", "fconv_iwslt_de_en______"),
             Contains("arch is \"fconv_iwslt_de_en______\"") && Contains("is read"));
  CHECK_THAT(changed(words, "transformer_iwslt_de_en", "transformer_lm_gpt2_big"),
             Contains("arch is \"transformer_lm_gpt2_big\""));
  CHECK_THAT(changed(words, "layers.1.fc1.weight", "layers.1.fc3.weight"),
             Contains("are missing") && Contains("encoder.layers.1.fc1.weight"));
  CHECK_THAT(changed(words, "argparse\nNamespace", "argparse\nNamespice"),
             Contains("makes an object that is no TorchScript module"));
  CHECK_THAT(switched_on("cross_self_attention"), Contains("cross_self_attention is true"));
  CHECK_THAT(switched_on("adaptive_input"), Contains("adaptive_input is true"));
  CHECK_THAT(switched_on("encoder_normalize_before"), Contains("for the encoder alone"));
  CHECK_THAT(switched_on("layernorm_embedding"), Contains("encoder.layernorm_embedding.weight"));
  // Shared matrices that are there three times are compared, not believed.
  CHECK(switched_on("share_all_embeddings") == "imported");
}
