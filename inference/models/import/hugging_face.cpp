#include "dragoman/inference/models/import/hugging_face.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/tokenizer.h"
#include "dragoman/inference/models/import/networks.h"
#include "dragoman/inference/models/import/vocabularies.h"

namespace dragoman {
namespace {

using Json = nlohmann::ordered_json;

struct Family {
  std::string_view type;  ///< model_type of transformers
  std::optional<BartFamily> bart;
};
constexpr auto kFamilies = std::to_array<Family>({{"marian", BartFamily::marian},
                                                  {"bart", BartFamily::bart},
                                                  {"mbart", BartFamily::mbart},
                                                  {"pegasus", BartFamily::pegasus},
                                                  {"m2m_100", BartFamily::m2m_100},
                                                  {"t5", std::nullopt},
                                                  {"mt5", std::nullopt}});

const Family& family_of(const ForeignFolder& folder, const ImportOptions& options) {
  const std::string type = options.family == "auto"
                               ? folder.config().text("model_type", "without a model_type")
                               : options.family;
  const auto found = std::ranges::find(kFamilies, type, &Family::type);
  if (found == kFamilies.end()) {
    std::vector<std::string_view> known;
    for (const Family& family : kFamilies)
      known.push_back(family.type);
    throw ModelError(fmt::format("{}: the family '{}' is not known. Known are {}.",
                                 folder.config().path(), type, fmt::join(known, ", ")));
  }
  return *found;
}

ImportedTokenizers tokenizers_of(const Family& family, const ForeignFolder& folder,
                                 const ModelConfig& config, const ImportOptions& options) {
  if (!family.bart) return t5_tokenizers(folder, config);
  switch (*family.bart) {
    case BartFamily::marian:
      return marian_tokenizers(folder, config);
    case BartFamily::pegasus:
      return pegasus_tokenizers(folder, config);
    case BartFamily::bart:
    case BartFamily::mbart:
    case BartFamily::m2m_100:
      break;
  }
  return fairseq_tokenizers(folder, config, std::string(family.type), options);
}

void set_length_rule(const Settings& settings, DecodingOptions& decoding) {
  const double power = settings.number("length_penalty", -100.0, 100.0, 1.0);
  if (power < 0.0)
    throw ModelError(
        fmt::format("{}: length_penalty is {}, and rules that prefer shorter outputs than sums of "
                    "log-probabilities do are not known. Set it to 0 or more.",
                    settings.path(), power));
  decoding.length_normalization = LengthNormalization::power;
  decoding.length_alpha = std::min(power, 10.0);
  if (power == 0.0) decoding.length_normalization = LengthNormalization::none;
  if (power == 1.0) decoding.length_normalization = LengthNormalization::average;
}

void set_early_stopping(const Settings& settings, DecodingOptions& decoding) {
  const bool is_text =
      settings.has("early_stopping") && settings.json().at("early_stopping").is_string();
  if (is_text)
    decoding.early_stopping = EarlyStopping::exact;
  else
    decoding.early_stopping =
        settings.flag("early_stopping", false) ? EarlyStopping::first : EarlyStopping::heuristic;
}

/// Words that are never said; those of several tokens, and the padding, are told of.
void set_suppressed(const Settings& settings, const Tokenizer& target, DecodingOptions& decoding,
                    std::vector<std::string>& notes) {
  const auto found = settings.json().find("bad_words_ids");
  if (found == settings.json().end() || !found->is_array()) return;
  for (const nlohmann::json& word : *found) {
    const bool is_one = word.is_array() && word.size() == 1 && word[0].is_number_unsigned() &&
                        word[0].get<std::uint64_t>() < static_cast<std::uint64_t>(target.size());
    if (!is_one) {
      notes.push_back("bad_words_ids: " + word.dump() + " is left out");
      continue;
    }
    const auto id = word[0].get<std::int32_t>();
    if (id != target.pad_id() && id != target.begin_id() && id != target.end_id())
      decoding.suppress.push_back(target.piece(id));
  }
}

/// What `generate` does without arguments, as far as it does more than search.
DecodingOptions decoding_of(const ForeignFolder& folder, const Tokenizer& target,
                            std::vector<std::string>& notes) {
  const Settings& settings = folder.generation();
  DecodingOptions decoding;
  decoding.beam_size = settings.integer("num_beams", 1, 1024, 1);
  set_length_rule(settings, decoding);
  set_early_stopping(settings, decoding);
  // Of transformers, the piece that decoding starts from counts.
  decoding.max_length = settings.integer("max_length", 2, 100000, 257) - 1;
  decoding.max_length_ratio = 1000.0;
  decoding.min_length = std::max<std::int64_t>(settings.integer("min_length", 0, 100000, 0) - 1, 0);
  decoding.min_length = std::min(decoding.min_length, decoding.max_length);
  decoding.no_repeat_ngram = settings.integer("no_repeat_ngram_size", 0, 1000, 0);
  decoding.repetition_penalty = settings.number("repetition_penalty", 1.0, 100.0, 1.0);
  decoding.allow_unknown = true;
  set_suppressed(settings, target, decoding, notes);
  return decoding;
}

}  // namespace

ImportedModel import_hugging_face(const std::string& folder_path, const ImportOptions& options) {
  const ForeignFolder folder(folder_path);
  const Family& family = family_of(folder, options);
  ImportedModel result;
  WeightMap weights(folder.load_weights(), folder.path());
  result.model = family.bart ? import_bart_network(*family.bart, folder.config(), weights)
                             : import_t5_network(folder.config(), weights);
  result.weights = weights.finish(result.report);
  check_sizes(result.model, result.weights, folder.path(), "config.json");
  ImportedTokenizers tokenizers = tokenizers_of(family, folder, result.model, options);
  result.model.source_prefix = std::move(tokenizers.source_prefix);
  result.model.target_prefix = std::move(tokenizers.target_prefix);
  result.report.notes = std::move(tokenizers.notes);
  result.source_tokenizer = std::move(tokenizers.source);
  result.target_tokenizer = std::move(tokenizers.target);
  check_import(result, folder.path(), "config.json");
  const Tokenizer target = Tokenizer::from_bytes(
      result.target_tokenizer.empty() ? result.source_tokenizer : result.target_tokenizer,
      folder.path() + ": target tokeniser");
  result.decoding = decoding_of(folder, target, result.report.notes);
  result.card = Json{{"imported_from", folder.config().text("_name_or_path", "")},
                     {"family", family.type},
                     {"transformers_version", folder.config().text("transformers_version", "")}}
                    .dump();
  return result;
}

}  // namespace dragoman
