#include <fmt/core.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "dragoman/data/error.h"
#include "dragoman/data/tokenizer.h"
#include "dragoman/data/utf8.h"

namespace dragoman {

namespace {

/// SentencePiece skips lines with more bytes than its max_sentence_length, without a word, and ends
/// the process at a BPE word of 65536 characters. So longer lines go to it in parts, cut at a space
/// where there is one: pieces never reach over a space. One byte can normalise to 6 characters.
constexpr std::size_t kMaxPartBytes = 4096;

/// U+2585 stands for unknown text inside SentencePiece, which skips lines that hold it.
constexpr std::string_view kReservedCharacter = "\xE2\x96\x85";

/// The sums of a unigram model depend on how many threads add them up: as many as spm_train takes,
/// on every machine, so that the same lines give the same model everywhere.
constexpr const char* kThreads = "16";

std::string without_reserved(std::string_view text) {
  std::string cleaned(text);
  for (auto at = cleaned.find(kReservedCharacter); at != std::string::npos;
       at = cleaned.find(kReservedCharacter, at)) {
    cleaned.replace(at, kReservedCharacter.size(), " ");
  }
  return cleaned;
}

/// Length of the first part of `text`.
std::size_t part_length(std::string_view text) {
  if (text.size() <= kMaxPartBytes) return text.size();
  const auto space = text.substr(0, kMaxPartBytes).rfind(' ');
  if (space != std::string_view::npos && space > 0) return space;
  return std::max<std::size_t>(character_boundary(text, kMaxPartBytes), 1);
}

/// Gives SentencePiece the lines one after the other, in parts.
class PartIterator final : public sentencepiece::SentenceIterator {
 public:
  explicit PartIterator(const std::vector<std::string>& lines) : lines_(lines) { read_part(); }

  [[nodiscard]] bool done() const override { return line_ == lines_.size(); }
  void Next() override { read_part(); }
  [[nodiscard]] const std::string& value() const override { return part_; }
  [[nodiscard]] sentencepiece::util::Status status() const override { return {}; }

 private:
  void read_part() {
    while (line_ < lines_.size() && at_ == lines_[line_].size()) {
      ++line_;
      at_ = 0;
    }
    if (done()) return;
    const std::string_view rest = std::string_view(lines_[line_]).substr(at_);
    const std::size_t length = part_length(rest);
    part_ = without_reserved(rest.substr(0, length));
    at_ += length;
  }

  const std::vector<std::string>& lines_;
  std::size_t line_ = 0;
  std::size_t at_ = 0;
  std::string part_;
};

/// SentencePiece reads lists as comma-separated values.
std::string comma_separated(const std::vector<std::string>& values) {
  std::string list;
  for (const auto& value : values) {
    if (!list.empty()) list += ',';
    list += '"';
    for (const char character : value) {
      if (character == '"') list += '"';
      list += character;
    }
    list += '"';
  }
  return list;
}

std::unordered_map<std::string, std::string> trainer_options(const TokenizerConfig& config) {
  std::string_view type;
  for (const auto& [name, value] : names(TokenizerType{})) {
    if (value == config.type) type = name;
  }
  const auto text = [](bool value) { return std::string(value ? "true" : "false"); };
  std::unordered_map<std::string, std::string> options = {
      {"model_type", std::string(type)},
      {"vocab_size", std::to_string(config.vocabulary_size)},
      {"character_coverage", fmt::format("{}", config.character_coverage)},
      {"byte_fallback", text(config.byte_fallback)},
      {"split_digits", text(config.split_digits)},
      {"normalization_rule_name", config.normalization},
      {"num_threads", kThreads},
      {"max_sentence_length", std::to_string(kMaxPartBytes)},
      {"pad_id", "0"},
      {"unk_id", "1"},
      {"bos_id", "2"},
      {"eos_id", "3"},
      {"minloglevel", "3"}};
  if (!config.user_symbols.empty()) {
    options["user_defined_symbols"] = comma_separated(config.user_symbols);
  }
  return options;
}

/// The number that follows `words` in `message`.
std::optional<std::int64_t> number_after(std::string_view message, std::string_view words) {
  const auto at = message.find(words);
  if (at == std::string_view::npos) return std::nullopt;
  const auto digits = message.substr(at + words.size());
  std::int64_t number = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (result.ec != std::errc()) return std::nullopt;
  return number;
}

[[noreturn]] void fail_training(const TokenizerConfig& config, std::size_t lines,
                                std::string_view message) {
  if (const auto greatest = number_after(message, "set it to a value <= ")) {
    throw DataError(
        fmt::format("tokenizer.vocabulary_size: {} is too large for {} lines of text, which "
                    "give at most {} pieces. Set it to {} or less, or give more text.",
                    config.vocabulary_size, lines, *greatest, *greatest));
  }
  if (message.find("smaller than required_chars") != std::string_view::npos) {
    const auto least = number_after(message, fmt::format("{} vs ", config.vocabulary_size));
    throw DataError(
        fmt::format("tokenizer.vocabulary_size: {} is too small: the characters of the text and "
                    "the special pieces "
                    "alone are {}. Set it to more, or lower tokenizer.character_coverage.",
                    config.vocabulary_size, least ? fmt::format("{}", *least) : "more"));
  }
  throw DataError(
      fmt::format("tokenizer: training on {} lines failed: {}. Check the section \"tokenizer\".",
                  lines, message));
}

void check_options(const TokenizerConfig& config) {
  constexpr auto kRules =
      std::to_array<std::string_view>({"nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf", "identity"});
  if (std::find(kRules.begin(), kRules.end(), config.normalization) == kRules.end()) {
    throw UsageError(
        fmt::format("tokenizer.normalization: there is no rule \"{}\". Use nmt_nfkc, "
                    "nmt_nfkc_cf, nfkc, nfkc_cf or identity.",
                    config.normalization));
  }
}

}  // namespace

std::string train_tokenizer(const TokenizerConfig& config, const std::vector<std::string>& lines) {
  check_options(config);
  const bool has_text = std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return line.find_first_not_of(" \t") != std::string::npos;
  });
  if (!has_text) {
    throw DataError(
        fmt::format("tokenizer: there is no text to train on ({} lines, all empty). Give a "
                    "corpus with text.",
                    lines.size()));
  }
  PartIterator parts(lines);
  std::string model;
  const auto status =
      sentencepiece::SentencePieceTrainer::Train(trainer_options(config), &parts, &model);
  if (!status.ok()) fail_training(config, lines.size(), status.message());
  return model;
}

}  // namespace dragoman
