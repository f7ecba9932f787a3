// Models of Python's transformers, imported: their weights, their logits, their words.
#include <ATen/ATen.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "dragoman/data/archive.h"
#include "dragoman/data/error.h"
#include "dragoman/data/safetensors.h"
#include "dragoman/inference/id_batch.h"
#include "dragoman/inference/models/cpu_model.h"
#include "dragoman/inference/models/import/hugging_face.h"
#include "dragoman/inference/models/import/import_foreign.h"
#include "dragoman/inference/models/model_file.h"
#include "dragoman/inference/models/native_model.h"
#include "dragoman/inference/models/safetensors_export.h"
#include "dragoman/inference/search/beam_search.h"
#include "dragoman/inference/translator.h"
#include "tests/support/catch.h"
#include "tests/support/close.h"
#include "tests/support/foreign_models.h"
#include "tests/support/temporary_folder.h"

namespace {

using dragoman::DecodingOptions;
using dragoman::ImportedModel;
using dragoman::ImportOptions;
using dragoman::ModelFile;
using dragoman_test::TemporaryFolder;
using nlohmann::json;

using IdRows = std::vector<std::vector<std::int64_t>>;

/// Makes the models of all tests; false: there is no transformers.
const TemporaryFolder* references() {
  static const TemporaryFolder folder;
  static const bool is_made = dragoman_test::make_foreign_models(
      folder,
      "marian marian_npz t5:bin t5_1_1 pegasus bart mbart50:shards nllb m2m_100 t5:json "
      "pegasus:json nllb:json fairseq_words fairseq_pieces");
  return is_made ? &folder : nullptr;
}

ImportOptions languages_of(const std::string& family, const std::string& folder) {
  ImportOptions options;
  if (family == "fairseq_pieces") options.source_tokenizer = folder + "/joint.model";
  if (family == "mbart50" || family == "nllb") options.target_language = "de_DE";
  if (family == "m2m_100") {
    options.source_language = "en";
    options.target_language = "__de__";
  }
  return options;
}

/// An imported model, and what transformers makes of it.
struct Case {
  std::string family;
  std::string folder;
  json expected;
  ImportedModel model;
  ModelFile file;
};

Case imported(const std::string& family, const TemporaryFolder& made) {
  const std::string folder = made.path(family);
  const std::string subject =
      family.starts_with("fairseq") ? folder + "/checkpoint_best.pt" : folder;
  ImportedModel model = dragoman::import_foreign(subject, languages_of(family, folder));
  const std::string path = folder + "/imported.pt";
  dragoman::save_archive(dragoman::to_archive(model), path);
  std::ifstream expected(folder + "/expected.json");
  return {family, folder, json::parse(expected), std::move(model), dragoman::load_model_file(path)};
}

dragoman::SourceBatch batch_of(const IdRows& rows, const ModelFile& file) {
  std::vector<dragoman::EncodedSource> sources;
  std::vector<std::int64_t> which;
  for (const auto& row : rows) {
    which.push_back(std::ssize(sources));
    sources.push_back({.ids = {row.begin(), row.end() - 1}});  // </s> is added
  }
  return dragoman::source_batch(sources, which, file.encoder, at::kCPU);
}

void check_logits(const Case& made, dragoman::Transformer& network) {
  const at::NoGradGuard no_grad;
  const auto sources = made.expected.at("source").get<IdRows>();
  const auto targets = made.expected.at("target").get<IdRows>();
  REQUIRE(sources.size() == 50);
  const std::int64_t begin = made.file.encoder.target().begin_id();
  for (std::size_t row = 0; row < sources.size(); ++row) {
    const at::Tensor source = at::tensor(sources[row], at::kLong).unsqueeze(0);
    std::vector<std::int64_t> said = {begin};
    said.insert(said.end(), targets[row].begin(), targets[row].end());
    auto state = network->start(network->encode(source, {}), {}, /*keep_self=*/false);
    const at::Tensor hidden = network->decode(at::tensor(said, at::kLong).unsqueeze(0), state);
    const at::Tensor logits = network->head()->logits(hidden).squeeze(0);
    std::vector<double> wanted;
    for (const json& position : made.expected.at("logits")[row])
      for (const json& value : position)
        wanted.push_back(value.get<double>());
    const at::Tensor expected = at::tensor(wanted, at::kDouble).view(logits.sizes());
    INFO(made.family << ", input " << row);
    CHECK(dragoman_test::difference(logits, expected, 1e-4) == "");
  }
}

void check_words(const Case& made, const dragoman::StepModel& model, const char* kind) {
  const dragoman::SourceBatch batch = batch_of(made.expected.at("source").get<IdRows>(), made.file);
  dragoman::SearchDemands demands;
  const auto& prefix = made.file.encoder.target_prefix();
  for (std::int64_t row = 0; row < batch.ids.size(0); ++row)
    demands.sentences.push_back(
        {.prefix = {prefix.begin(), prefix.end()}, .certain = std::ssize(prefix)});
  const std::int64_t end = made.file.encoder.target().end_id();
  for (const std::int64_t beams : {1, 4}) {
    DecodingOptions options = made.file.decoding;
    options.beam_size = beams;
    options.max_length = 38;
    const auto expected = made.expected.at(beams == 1 ? "greedy" : "beam").get<IdRows>();
    const auto found = dragoman::beam_search(
        model, batch, dragoman::target_ids(made.file.encoder.target()), options, demands);
    REQUIRE(found.size() == expected.size());
    std::size_t same = 0;
    for (std::size_t row = 0; row < found.size(); ++row) {
      std::vector<std::int64_t> ids = found[row].front().ids;
      ids.push_back(end);
      if (ids == expected[row]) ++same;
    }
    INFO(made.family << ", " << kind << ", " << beams << " beams");
    CHECK(same == expected.size());
  }
}

void check_texts(const Case& made) {
  const auto texts = made.expected.at("texts").get<std::vector<std::string>>();
  const auto ids = made.expected.at("text_ids").get<IdRows>();
  REQUIRE(texts.size() == ids.size());
  for (std::size_t index = 0; index < texts.size(); ++index) {
    const auto encoded = made.file.encoder.encode_source(texts[index]).ids;
    std::vector<std::int64_t> own(encoded.begin(), encoded.end());
    own.push_back(made.file.encoder.source().end_id());
    INFO(made.family << ": " << texts[index]);
    CHECK(own == ids[index]);
  }
}

/// Every number of the original is where the report says, bit by bit, and every tensor is told of.
void check_bits(const Case& made) {
  const auto original = dragoman::load_archive(made.folder + "/state.pt").tensors;
  std::set<std::string> told;
  for (const auto& taken : made.model.report.taken) {
    const at::Tensor stored = made.file.weights.at(taken.to);
    std::int64_t row = 0;
    for (const std::string& name : taken.from) {
      told.insert(name);
      const at::Tensor given = original.at(name);
      const at::Tensor own = taken.from.size() == 1 ? stored.view(given.sizes())
                                                    : stored.narrow(0, row, given.size(0));
      row += given.size(0);
      INFO(made.family << ": " << name);
      CHECK(at::equal(own, given));
    }
  }
  for (const auto& left : made.model.report.left)
    told.insert(left.name);
  for (const auto& [name, tensor] : original) {
    // save_pretrained leaves out what is shared or computed.
    const bool is_left_out = name.find("embed_") != std::string::npos || name == "lm_head.weight";
    if (!is_left_out && !told.contains(name)) FAIL_CHECK(made.family << ": " << name << " is lost");
  }
}

}  // namespace

TEST_CASE("models of transformers compute and say the same when they are imported", "[import]") {
  const TemporaryFolder* made = references();
  if (made == nullptr) {
    WARN("skipped: Python's transformers is not installed");
    return;
  }
  for (const char* family :
       {"marian", "marian_npz", "t5", "t5_1_1", "pegasus", "bart", "mbart50", "nllb", "m2m_100",
        "t5_json", "pegasus_json", "nllb_json", "fairseq_words", "fairseq_pieces"}) {
    const Case one = imported(family, *made);
    dragoman::Transformer network = dragoman::build_transformer(one.file);
    // These have other names, or parts of one tensor.
    if (one.family != "marian_npz" && one.family != "fairseq_pieces") check_bits(one);
    check_texts(one);
    check_logits(one, network);
    check_words(one, dragoman::NativeModel(network), "modules");
    if (one.file.model.modules_only().empty())
      check_words(one, dragoman::CpuModel(network, dragoman::engine::WeightType::fp32), "engine");
    CHECK(one.file.model.modules_only().empty() ==
          (one.family.starts_with("marian") || one.family.starts_with("pegasus")));
    // The public class chooses what computes by itself.
    const dragoman::Translator translator(one.folder + "/imported.pt", {.threads = 1});
    CHECK(translator.translate("two dogs play").hypotheses.size() == 1);
  }
}

TEST_CASE("a tokenizer.json that no SentencePiece model equals is refused", "[import]") {
  const TemporaryFolder* made = references();
  if (made == nullptr) {
    WARN("skipped: Python's transformers is not installed");
    return;
  }
  using Catch::Contains;
  for (const std::string family : {"t5_json", "nllb_json"}) {
    const TemporaryFolder folder;
    std::filesystem::copy(made->path(family), folder.path("m"));
    const json original = json::parse(made->read(family + "/tokenizer.json"));
    const auto message_of = [&](auto&& change) {
      json tokenizer = original;
      change(tokenizer);
      folder.write("m/tokenizer.json", tokenizer.dump());
      try {
        static_cast<void>(dragoman::import_hugging_face(folder.path("m"), {}));
      } catch (const dragoman::ModelError& error) {
        return std::string(error.what());
      }
      return std::string("imported");
    };
    INFO(family);
    CHECK(message_of([](json&) {}) == "imported");
    CHECK_THAT(message_of([](json& all) {
                 all["pre_tokenizer"] = {{"type", "ByteLevel"}};
               }),
               Contains("texts are cut by 'ByteLevel'") && Contains("tokenizer.json"));
    CHECK_THAT(message_of([](json& all) { all["pre_tokenizer"] = nullptr; }),
               Contains("cut without Metaspace"));
    CHECK_THAT(message_of([](json& all) {
                 all["normalizer"] = {{"type", "Lowercase"}};
               }),
               Contains("has the step 'Lowercase'"));
    CHECK_THAT(message_of([](json& all) {
                 all["normalizer"] = {{"type", "Precompiled"}, {"precompiled_charsmap", "a-b"}};
               }),
               Contains("is no base64"));
    CHECK_THAT(message_of([](json& all) { all["model"]["type"] = "WordPiece"; }),
               Contains("its model is 'WordPiece'"));
    CHECK_THAT(message_of([](json& all) { all["model"]["vocab"] = 7; }),
               Contains("its vocabulary is no") || Contains("it lists no merges"));
    if (family == "t5_json") {
      CHECK_THAT(message_of([](json& all) { all["model"]["unk_id"] = 1000; }),
                 Contains("its unk_id is the number of no piece"));
      CHECK_THAT(message_of([](json& all) {
                   all["model"]["vocab"][5] = {"a", "b"};
                 }),
                 Contains("no list of pieces with their scores"));
    } else {
      // "\u2581" and "in" make "\u2581in" too, but only "\u2581i" and "n" are listed.
      CHECK_THAT(message_of([](json& all) {
                   all["model"]["merges"] = {"\u2581 i", "i n", "\u2581i n"};
                   for (const char* text : {"\u2581i", "in", "\u2581in"})
                     all["model"]["vocab"].emplace(text, 64);
                 }),
                 Contains("from some of the pairs that make it, not from '\u2581' and 'in'"));
      CHECK_THAT(message_of([](json& all) { all["model"]["merges"][3] = "whole"; }),
                 Contains("a merge is no pair of pieces"));
      CHECK_THAT(message_of([](json& all) { all["model"]["vocab"]["<s>"] = 1000000; }),
                 Contains("has the number 1000000, but the model has"));
    }
  }
}

TEST_CASE("damaged and foreign model folders are refused with the reason", "[import]") {
  const TemporaryFolder* made = references();
  if (made == nullptr) {
    WARN("skipped: Python's transformers is not installed");
    return;
  }
  using Catch::Contains;
  const TemporaryFolder folder;
  const auto whole = dragoman::load_safetensors(made->path("marian/model.safetensors"));
  const auto message_of = [&] {
    try {
      static_cast<void>(dragoman::import_hugging_face(folder.path("m"), {}));
    } catch (const dragoman::ModelError& error) {
      return std::string(error.what());
    }
    return std::string("imported");
  };
  const auto start_afresh = [&] {
    std::filesystem::remove_all(folder.path("m"));
    std::filesystem::copy(made->path("marian"), folder.path("m"));
  };
  const auto with_weights = [&](auto&& change) {
    start_afresh();
    dragoman::Archive archive{.tensors = whole, .files = {}};
    change(archive.tensors);
    dragoman::export_safetensors(archive, folder.path("m"));
    return message_of();
  };
  const auto with_file = [&](const std::string& name, const std::string& content) {
    start_afresh();
    folder.write("m/" + name, content);
    return message_of();
  };
  const std::string name = "model.encoder.layers.0.fc1.weight";
  CHECK(with_weights([](auto&) {}) == "imported");
  CHECK_THAT(message_of(), Contains("imported"));
  CHECK_THAT(with_weights([&](auto& tensors) { tensors.erase(name); }),
             Contains("1 tensor(s) of this family are missing") && Contains(name));
  CHECK_THAT(with_weights([&](auto& tensors) { tensors["model.extra"] = at::ones({2}); }),
             Contains("not known of this family") && Contains("model.extra"));
  CHECK_THAT(with_weights([&](auto& tensors) { tensors[name] = at::full({2}, NAN); }),
             Contains(name) && Contains("not finite"));
  CHECK_THAT(with_weights([&](auto& tensors) {
               tensors[name] = at::ones({32, 24}, at::kLong);
             }),
             Contains("has type Long"));
  CHECK_THAT(with_weights([&](auto& tensors) {
               tensors[name] = at::ones({31, 24});
             }),
             Contains("encoder.layers.0.feed_forward.inner.weight: has shape [31, 24]"));
  CHECK_THAT(with_file("config.json", R"({"model_type": "marian", "model_type": "t5"})"),
             Contains("has the key model_type twice"));
  CHECK_THAT(with_file("config.json", R"({"model_type": "gpt2"})"),
             Contains("the family 'gpt2' is not known"));
  CHECK_THAT(
      with_file("config.json", R"({"model_type": "marian", "encoder_layers": 1e9})"),
      Contains("encoder_layers is 1000000000.0, it should be a whole number from 1 to 1000"));
  CHECK_THAT(with_file("vocab.json", R"({"</s>": 0, "<unk>": 0, "<pad>": 2})"),
             Contains("Numbers should be 0 to 2, each once"));
  CHECK_THAT(with_file("source.spm", "no model"), Contains("is no SentencePiece model"));
  CHECK_THAT(with_file("model.safetensors", "short"), Contains("is no safetensors file"));
  start_afresh();
  std::filesystem::remove(folder.path("m/source.spm"));
  CHECK_THAT(message_of(), Contains("holds no source.spm"));
  start_afresh();
  std::filesystem::remove(folder.path("m/model.safetensors"));
  CHECK_THAT(message_of(), Contains("holds neither model.safetensors nor pytorch_model.bin"));
  folder.write("m/pytorch_model.bin", "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
  CHECK_THAT(message_of(), Contains("is a checkpoint of torch before 1.6"));
  std::filesystem::remove(folder.path("m/pytorch_model.bin"));
  folder.write("m/model.safetensors.index.json", R"({"weight_map": {"a": "../marian/x"}})");
  CHECK_THAT(message_of(), Contains("names the part \"../marian/x\" for a"));
  std::filesystem::remove_all(folder.path("m"));
  CHECK_THAT(message_of(), Contains("is no folder"));
}
