#include "dragoman/inference/models/import/name_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "dragoman/data/archive.h"
#include "dragoman/data/config.h"
#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/data/safetensors.h"
#include "dragoman/data/tokenizer.h"
#include "dragoman/inference/models/import/settings.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/modules/weights.h"

namespace dragoman {
namespace {

using Numbers = std::vector<std::string>;

/// What stands for each * of `pattern` in `name`; nothing: it is another name.
std::optional<Numbers> numbers_in(const std::string& pattern, const std::string& name) {
  Numbers numbers;
  std::size_t at = 0;
  for (const char letter : pattern) {
    if (letter != '*') {
      if (at >= name.size() || name[at++] != letter) return {};
      continue;
    }
    const std::size_t begin = at;
    while (at < name.size() && name[at] >= '0' && name[at] <= '9')
      ++at;
    if (at == begin) return {};
    numbers.push_back(name.substr(begin, at - begin));
  }
  if (at != name.size()) return {};
  return numbers;
}

/// Whether * as any text makes `pattern` to `text`.
bool is_like(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (!text.starts_with(pattern.substr(0, star))) return false;
  pattern.remove_prefix(star + 1);
  text.remove_prefix(star);
  const std::size_t next = pattern.find('*');
  if (next == std::string_view::npos) return text.ends_with(pattern);
  const std::string_view part = pattern.substr(0, next);
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    if (is_like(pattern.substr(next), text.substr(at + part.size()))) return true;
  return false;
}

/// Where a weight of ours comes from.
struct Origin {
  std::vector<std::string> from;
  Orientation orientation = Orientation::as_stored;
};

class NameMap {
 public:
  explicit NameMap(const std::string& path) : path_(path) {
    const Settings file = Settings::from_file(path);
    for (const auto& [key, value] : file.json().items()) {
      if (key == "names" && value.is_object())
        for (const auto& [ours, theirs] : value.items())
          entries_.emplace_back(ours, origin_of(ours, theirs));
      else if (key == "leave" && value.is_array())
        for (const nlohmann::json& pattern : value)
          leave_.push_back(text_of("leave", pattern));
      else
        refuse(key,
               "is not known, or has another type. There are \"names\", an object, and "
               "\"leave\", a list");
    }
    // A name without * counts before a pattern that it matches as well.
    std::ranges::stable_sort(
        entries_, {}, [](const auto& entry) { return entry.first.find('*') != std::string::npos; });
  }

  /// Of one of our weights.
  [[nodiscard]] Origin find(const std::string& ours) const {
    for (const auto& [pattern, origin] : entries_) {
      const auto numbers = numbers_in(pattern, ours);
      if (!numbers) continue;
      Origin filled = origin;
      for (std::string& name : filled.from)
        fill(pattern, name, *numbers);
      return filled;
    }
    return {{ours}, Orientation::as_stored};
  }

  [[nodiscard]] bool leaves(const std::string& theirs) const {
    return std::ranges::any_of(
        leave_, [&](const std::string& pattern) { return is_like(pattern, theirs); });
  }

 private:
  [[noreturn]] void refuse(const std::string& key, const std::string& problem) const {
    throw UsageError(fmt::format("{}: '{}' {}.", path_, key, problem));
  }

  std::string text_of(const std::string& key, const nlohmann::json& value) const {
    if (!value.is_string()) refuse(key, "should name tensors");
    return value.get<std::string>();
  }

  Origin origin_of(const std::string& ours, const nlohmann::json& value) const {
    if (value.is_object()) {
      if (!value.contains("from")) refuse(ours, "lacks \"from\"");
      Origin origin = origin_of(ours, value.at("from"));
      const auto transpose = value.find("transpose");
      const bool is_known = transpose == value.end() ? value.size() == 1
                                                     : value.size() == 2 && transpose->is_boolean();
      if (!is_known) refuse(ours, "may have \"from\" and \"transpose\" (true, false) alone");
      if (transpose != value.end() && transpose->get<bool>())
        origin.orientation = Orientation::transposed;
      return origin;
    }
    if (!value.is_array()) return {{text_of(ours, value)}, Orientation::as_stored};
    Origin origin;
    for (const nlohmann::json& name : value)
      origin.from.push_back(text_of(ours, name));
    if (origin.from.empty()) refuse(ours, "names no tensor");
    return origin;
  }

  void fill(const std::string& pattern, std::string& name, const Numbers& numbers) const {
    std::string filled;
    std::size_t next = 0;
    for (const char letter : name) {
      if (letter != '*') {
        filled += letter;
        continue;
      }
      if (next == numbers.size())
        refuse(pattern,
               fmt::format("has fewer * than '{}', so that its number is not known", name));
      filled += numbers[next++];
    }
    name = std::move(filled);
  }

  std::string path_;
  std::vector<std::pair<std::string, Origin>> entries_;
  std::vector<std::string> leave_;
};

/// The section "model" of a run's configuration, or that section alone.
ModelConfig read_model_config(const std::string& path) {
  const Settings file = Settings::from_file(path);
  const nlohmann::json& model = file.has("model") && file.json().at("model").is_object()
                                    ? file.json().at("model")
                                    : file.json();
  return parse_config<ModelConfig>(model.dump(), path);
}

void check_options(const ImportOptions& options) {
  for (const auto& [option, value] : {std::pair("--config", options.config),
                                      std::pair("--source-tokenizer", options.source_tokenizer)})
    if (value.empty())
      throw UsageError(fmt::format(
          "{}: is needed with --names. Weights alone say nothing about network and words.",
          option));
}

std::int64_t words_of(const std::string& tokenizer, const std::string& path) {
  return Tokenizer::from_bytes(tokenizer, path).size();
}

}  // namespace

ImportedModel import_by_names(const std::string& path, const ImportOptions& options) {
  check_options(options);
  const NameMap names(options.names);
  ImportedModel result;
  result.model = read_model_config(options.config);
  result.source_tokenizer = read_file(options.source_tokenizer);
  if (!options.target_tokenizer.empty())
    result.target_tokenizer = read_file(options.target_tokenizer);
  if (result.target_tokenizer == result.source_tokenizer) result.target_tokenizer.clear();
  result.model.source_vocabulary = words_of(result.source_tokenizer, options.source_tokenizer);
  result.model.target_vocabulary =
      result.target_tokenizer.empty() ? result.model.source_vocabulary
                                      : words_of(result.target_tokenizer, options.target_tokenizer);
  auto foreign =
      path.ends_with(".safetensors") ? load_safetensors(path) : load_archive(path).tensors;
  check_sizes(result.model, foreign, path, options.config);
  std::vector<std::string> left;
  for (const auto& [name, tensor] : foreign)
    if (names.leaves(name)) left.push_back(name);
  WeightMap weights(std::move(foreign), path);
  const Transformer network(result.model, InitialWeights::unset);
  for (const auto& [ours, tensor] : named_weights(*network)) {
    const Origin origin = names.find(ours);
    weights.stack(origin.from, ours, origin.orientation);
  }
  for (const std::string& name : left)
    weights.leave(name, "the map leaves it");
  result.weights = weights.finish(result.report);
  check_import(result, path, options.config);
  result.card = nlohmann::json{{"family", "names"}}.dump();
  return result;
}

}  // namespace dragoman
