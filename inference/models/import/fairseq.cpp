#include "dragoman/inference/models/import/fairseq.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/data/torch_checkpoint.h"
#include "dragoman/data/utf8.h"
#include "dragoman/inference/models/import/networks.h"
#include "dragoman/inference/models/import/settings.h"
#include "dragoman/inference/models/import/token_list.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxDictionarySize = 256 << 20;

/// "args", or of newer versions "cfg: model".
Settings network_settings(const Settings& whole) {
  return whole.has("args") ? whole.section("args") : whole.section("cfg").section("model");
}

/// As "en": what the user says, or else "args", or of newer versions "cfg: task".
std::string language_of(const Settings& whole, const std::string& key, const std::string& given,
                        const std::string& option) {
  std::string language = given;
  if (language.empty() && whole.has("args")) language = whole.section("args").text(key, "");
  if (language.empty() && whole.has("cfg") && whole.section("cfg").has("task"))
    language = whole.section("cfg").section("task").text(key, "");
  const bool is_plain = !language.empty() && fs::path(language).filename() == language;
  if (!is_plain)
    throw ModelError(
        fmt::format("{}: {} is '{}', which is no language. Name it with {}: as LANG of the "
                    "dict.LANG.txt that its words are in.",
                    whole.path(), key, language, option));
  return language;
}

/// A dict.LANG.txt: "WORD COUNT" in each line, after four words that stand in none.
TokenList dictionary_of(const std::string& path, const std::string& language) {
  TokenList list{.tokens = {"<s>", "<pad>", "</s>", "<unk>"},
                 .special = {.unknown = "<unk>", .begin = "</s>", .end = "</s>", .pad = "<pad>"},
                 .origin = (fs::path(path).parent_path() / ("dict." + language + ".txt")).string()};
  if (!fs::is_regular_file(list.origin))
    throw ModelError(
        fmt::format("{}: there is no such file. Copy the dictionaries, which fairseq-preprocess "
                    "wrote beside the data, beside the checkpoint.",
                    list.origin));
  const auto fail = [&](const std::string& problem) {
    throw ModelError(fmt::format("{}: {}. Take another copy.", list.origin, problem));
  };
  if (fs::file_size(list.origin) > kMaxDictionarySize) fail("is larger than a dictionary is");
  const std::string content = read_file(list.origin);
  if (find_bad_text(content) != std::string::npos) fail("has NUL, or is no UTF-8");
  std::istringstream lines(content);
  std::int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line.erase(line.find_last_not_of(" \t\r") + 1);
    // Of a word that stands there again, fairseq looks up the last one.
    const std::string mark = " #fairseq:overwrite";
    if (line.ends_with(mark))
      throw ModelError(
          fmt::format("{}:{}: '{}' is not known: a word would have two numbers. Rename the word.",
                      list.origin, number, mark.substr(1)));
    const std::size_t space = line.rfind(' ');
    const bool is_entry =
        space != std::string::npos && space > 0 && space + 1 < line.size() &&
        std::all_of(line.begin() + static_cast<std::ptrdiff_t>(space) + 1, line.end(),
                    [](char letter) { return letter >= '0' && letter <= '9'; });
    if (!is_entry)
      throw ModelError(fmt::format("{}:{}: is '{}', it should be a word and its count.",
                                   list.origin, number, line.substr(0, 80)));
    list.tokens.push_back(line.substr(0, space));
  }
  return list;
}

/// model.*
std::map<std::string, at::Tensor> network_weights(const std::string& path,
                                                  TorchCheckpoint checkpoint) {
  std::map<std::string, at::Tensor> weights;
  const std::string model = "model.";
  for (auto& [name, tensor] : checkpoint.tensors)
    if (name.starts_with(model)) weights.emplace(name.substr(model.size()), tensor);
  if (weights.empty()) throw ModelError(fmt::format("{}: holds no weights.", path));
  return weights;
}

/// What fairseq-generate does without arguments, as far as it does more than search.
DecodingOptions generate_defaults() {
  DecodingOptions decoding;
  decoding.beam_size = 5;
  decoding.length_normalization = LengthNormalization::average;  // of words with </s>
  decoding.early_stopping = EarlyStopping::first;
  decoding.min_length = 1;
  decoding.max_length = 200;
  decoding.max_length_ratio = 1000.0;
  decoding.allow_unknown = true;
  return decoding;
}

void check_rows(const TokenList& list, std::int64_t rows) {
  if (std::ssize(list.tokens) != rows)
    throw ModelError(
        fmt::format("{}: makes {} words with <s>, <pad>, </s> and <unk>, but the embedding has {} "
                    "rows. Take the dictionary of this model; words that a task adds (tags of "
                    "languages, <mask>) are not known.",
                    list.origin, list.tokens.size(), rows));
}

}  // namespace

bool is_fairseq(const TorchCheckpoint& checkpoint) {
  const nlohmann::json& data = *checkpoint.data;
  const auto has_object = [&](const char* key) {
    return data.contains(key) && data.at(key).is_object();
  };
  return has_object("model") && (has_object("args") || has_object("cfg"));
}

ImportedModel import_fairseq(const std::string& path, TorchCheckpoint checkpoint,
                             const ImportOptions& options) {
  const Settings whole = Settings::from_json(path, checkpoint.data);
  const Settings settings = network_settings(whole);
  const std::string place = settings.path().substr(path.size() + 2);  // "args"
  ImportedModel result;
  WeightMap weights(network_weights(path, std::move(checkpoint)), path);
  result.model = import_fairseq_network(settings, weights);
  result.weights = weights.finish(result.report);
  check_sizes(result.model, result.weights, path, place);

  const auto dictionary = [&](const char* key, const std::string& given, const char* option) {
    return dictionary_of(path, language_of(whole, key, given, option));
  };
  const TokenList source = dictionary("source_lang", options.source_language, "--source-language");
  const TokenList target = dictionary("target_lang", options.target_language, "--target-language");
  check_rows(source, result.model.source_vocabulary);
  check_rows(target, result.model.target_vocabulary);
  std::vector<std::string>& notes = result.report.notes;
  result.source_tokenizer =
      list_tokenizer(source, options.source_tokenizer, "--source-tokenizer", notes);
  const bool is_joint = options.target_tokenizer.empty() && source.tokens == target.tokens;
  if (!is_joint)
    result.target_tokenizer =
        list_tokenizer(target, options.target_tokenizer, "--target-tokenizer", notes);
  if (result.source_tokenizer == result.target_tokenizer) result.target_tokenizer.clear();
  check_import(result, path, place);
  result.decoding = generate_defaults();
  result.card = nlohmann::json{{"family", "fairseq"}}.dump();
  return result;
}

}  // namespace dragoman
