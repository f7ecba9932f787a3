#include "dragoman/inference/models/import/opennmt.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/torch_checkpoint.h"
#include "dragoman/inference/models/import/networks.h"
#include "dragoman/inference/models/import/settings.h"
#include "dragoman/inference/models/import/token_list.h"

namespace dragoman {
namespace {

const std::string kBlank = "<blank>";

/// "vocab" of a checkpoint: "src" or "tgt".
TokenList token_list(const Settings& vocabulary, const std::string& side) {
  TokenList list{.tokens = {},
                 .special = {.unknown = "<unk>",
                             .begin = vocabulary.text("decoder_start_token", "<s>"),
                             .end = "</s>",
                             .pad = kBlank},
                 .origin = vocabulary.path() + ": " + side};
  const auto found = vocabulary.json().find(side);
  const bool is_list =
      found != vocabulary.json().end() && found->is_array() &&
      std::ranges::all_of(*found, [](const nlohmann::json& token) { return token.is_string(); });
  if (!is_list)
    throw ModelError(
        fmt::format("{}: is no list of tokens, as OpenNMT-py 3 writes it. Convert checkpoints of "
                    "version 2 with its tools/convertv2_v3.py first.",
                    list.origin));
  list.tokens = found->get<std::vector<std::string>>();
  return list;
}

/// model.* and generator.*
std::map<std::string, at::Tensor> weights_of(const std::string& path, TorchCheckpoint checkpoint) {
  std::map<std::string, at::Tensor> weights;
  const std::string model = "model.";
  for (auto& [name, tensor] : checkpoint.tensors)
    weights.emplace(name.starts_with(model) ? name.substr(model.size()) : name, tensor);
  if (weights.empty())
    throw ModelError(
        fmt::format("{}: holds no weights. They may be in a .safetensors file beside it, which is "
                    "not read: train with -save_format pytorch.",
                    path));
  return weights;
}

/// What its translate does without arguments, as far as it does more than search. An output is cut
/// at max_length there and here, but not at 1.25 times the source.
DecodingOptions decoding_defaults() {
  DecodingOptions decoding;
  decoding.beam_size = 5;
  decoding.length_normalization = LengthNormalization::average;
  decoding.length_offset = 1;
  decoding.early_stopping = EarlyStopping::best_ended;
  decoding.max_length = 250;
  decoding.max_length_ratio = 1000.0;
  decoding.allow_unknown = true;
  return decoding;
}

}  // namespace

bool is_opennmt(const TorchCheckpoint& checkpoint) {
  return checkpoint.data->contains("opt") && checkpoint.data->contains("vocab");
}

ImportedModel import_opennmt(const std::string& path, TorchCheckpoint checkpoint,
                             const ImportOptions& options) {
  const Settings whole = Settings::from_json(path, checkpoint.data);
  const Settings settings = whole.section("opt");
  const Settings vocabulary = whole.section("vocab");
  if (vocabulary.has("src_feats"))
    throw ModelError(fmt::format("{}: has source features, which are not known.", path));
  const TokenList source = token_list(vocabulary, "src");
  const TokenList target = token_list(vocabulary, "tgt");
  const auto pad = std::ranges::find(target.tokens, kBlank);

  ImportedModel result;
  WeightMap weights(weights_of(path, std::move(checkpoint)), path);
  result.model = import_opennmt_network(
      settings, pad == target.tokens.end() ? -1 : pad - target.tokens.begin(), weights);
  result.weights = weights.finish(result.report);
  check_sizes(result.model, result.weights, path, "opt");
  const auto check_words = [&](const TokenList& list, std::int64_t rows) {
    if (std::ssize(list.tokens) != rows)
      throw ModelError(fmt::format("{}: has {} words, but the embedding has {} rows.", list.origin,
                                   list.tokens.size(), rows));
  };
  check_words(source, result.model.source_vocabulary);
  check_words(target, result.model.target_vocabulary);
  std::vector<std::string>& notes = result.report.notes;
  result.source_tokenizer =
      list_tokenizer(source, options.source_tokenizer, "--source-tokenizer", notes);
  const bool is_joint = options.target_tokenizer.empty() && source.tokens == target.tokens;
  result.target_tokenizer =
      is_joint ? result.source_tokenizer
               : list_tokenizer(target, options.target_tokenizer, "--target-tokenizer", notes);
  if (result.source_tokenizer == result.target_tokenizer) result.target_tokenizer.clear();
  check_import(result, path, "opt");
  result.decoding = decoding_defaults();
  result.card = nlohmann::json{{"family", "opennmt-py"}}.dump();
  return result;
}

}  // namespace dragoman
