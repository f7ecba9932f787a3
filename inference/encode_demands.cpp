#include "dragoman/inference/encode_demands.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "dragoman/data/error.h"
#include "dragoman/inference/search/constraints.h"

namespace dragoman {
namespace {

/// U+2581, which stands for whitespace in pieces.
constexpr std::string_view kSpace = "\xe2\x96\x81";

/// Whether `text` begins with a letter or digit of a script that parts its words by spaces.
bool begins_within_word(std::string_view text) {
  if (text.empty()) return false;
  const auto byte = [text](std::size_t at) -> char32_t {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  if (byte(0) < 0x80)
    return (byte(0) >= '0' && byte(0) <= '9') ||
           ((byte(0) | 0x20U) >= 'a' && (byte(0) | 0x20U) <= 'z');
  char32_t letter = 0;
  if (byte(0) >= 0xC0 && byte(0) < 0xE0) letter = (byte(0) & 0x1FU) << 6 | (byte(1) & 0x3FU);
  if (byte(0) >= 0xE0 && byte(0) < 0xF0)
    letter = (byte(0) & 0x0FU) << 12 | (byte(1) & 0x3FU) << 6 | (byte(2) & 0x3FU);
  const bool is_unspaced = (letter >= 0xE00 && letter < 0xF00) ||    // Thai, Lao
                           (letter >= 0x1000 && letter < 0x10A0) ||  // Burmese
                           (letter >= 0x1780 && letter < 0x1800);    // Khmer
  return letter >= 0xC0 && letter != 0xD7 && letter != 0xF7 && letter < 0x2000 && !is_unspaced;
}

class DemandSpeller {
 public:
  DemandSpeller(const PairEncoder& encoder, const DecodingOptions& options)
      : encoder_(encoder), target_(encoder.target()), options_(options) {}

  /// The sequences that an entry of `suppress` stands for.
  void suppress(const std::string& entry, std::vector<std::vector<std::int64_t>>& sequences) const {
    const std::size_t before = sequences.size();
    const bool is_marked = entry.starts_with(kSpace);
    for (const std::string& piece : {entry, std::string(kSpace) + entry})
      if (const std::int32_t id = target_.id(piece); target_.piece(id) == piece)
        sequences.push_back({id});
    if (std::ranges::find(sequences, std::vector<std::int64_t>{target_.end_id()}) !=
        sequences.end())
      throw UsageError(fmt::format("suppress: '{}' ends every output. Leave it out.", entry));
    if (is_marked && sequences.size() > before) return;
    const std::vector<std::int32_t> ids = target_.encode(entry);
    const bool is_known = !ids.empty() && std::ranges::find(ids, target_.unknown_id()) == ids.end();
    if (is_known) sequences.emplace_back(ids.begin(), ids.end());
    if (sequences.size() == before)
      throw UsageError(fmt::format(
          "suppress: '{}' is no piece of the target vocabulary and cannot be spelled with its "
          "pieces, so it is never output anyway. Leave it out, or check its spelling.",
          entry));
  }

  /// `what` and `index` are for errors.
  [[nodiscard]] std::vector<std::int64_t> spell(const std::string& text,
                                                const EncodedSource& source, std::string_view what,
                                                std::size_t index) const {
    const std::vector<std::int32_t> ids = encoder_.encode_target(text, source);
    if (!options_.allow_unknown && std::ranges::find(ids, target_.unknown_id()) != ids.end()) {
      std::string part;
      for (const Piece& piece : target_.encode_aligned(text))
        if (piece.id == target_.unknown_id() && part.empty()) part = piece.text;
      throw UsageError(
          fmt::format("{} of texts[{}]: the target vocabulary has no piece for '{}' in '{}'. Leave "
                      "it out, or write it another way.",
                      what, index, part, text));
    }
    return {ids.begin(), ids.end()};
  }

  [[nodiscard]] std::vector<std::int64_t> prefix(const std::string& text,
                                                 const EncodedSource& source, std::size_t index,
                                                 std::int64_t max_positions) const {
    std::vector<std::int64_t> ids = spell(text, source, "prefix", index);
    const std::int64_t most =
        std::min(options_.max_length, max_positions - 1) - std::ssize(encoder_.target_prefix());
    if (std::ssize(ids) > most)
      throw UsageError(fmt::format(
          "prefix of texts[{}]: has {} tokens, but an output may have {} at most (max_length, or "
          "what the model can read). Shorten it, or raise max_length.",
          index, ids.size(), most));
    return ids;
  }

  void add_phrase(const std::string& text, const EncodedSource& source, std::size_t index,
                  std::vector<std::vector<std::int64_t>>& phrases) const {
    std::vector<std::int64_t> ids = spell(text, source, "constraints", index);
    if (ids.empty())
      throw UsageError(
          fmt::format("constraints of texts[{}]: '{}' is blank. Leave it out.", index, text));
    if (std::ranges::find(phrases, ids) == phrases.end()) phrases.push_back(std::move(ids));
    if (phrases.size() > kMostPhrases)
      throw UsageError(fmt::format("constraints of texts[{}]: are more than {}. Leave some out.",
                                   index, kMostPhrases));
  }

 private:
  const PairEncoder& encoder_;
  const Tokenizer& target_;
  const DecodingOptions& options_;
};

void refuse_constraints(const DecodingOptions& options, std::size_t index) {
  const auto refuse = [index](std::string_view other) {
    throw UsageError(
        fmt::format("constraints of texts[{}]: cannot be combined with {}. Leave one of them out.",
                    index, other));
  };
  if (options.sample) refuse("sample");
  if (options.beam_groups > 1) refuse("beam_groups above 1");
  if (options.prefix_alternatives) refuse("prefix_alternatives");
}

}  // namespace

SearchDemands encode_demands(const PairEncoder& encoder, std::span<const EncodedSource> sources,
                             const DecodingOptions& options, std::span<const TextOptions> own,
                             std::int64_t max_positions) {
  if (!own.empty() && own.size() != sources.size())
    throw UsageError(fmt::format("texts: {} texts but {} sets of text options. Give one per text.",
                                 sources.size(), own.size()));
  if (options.prefix_alternatives && options.mbr_candidates > 0)
    throw UsageError(
        "prefix_alternatives: cannot be combined with mbr_candidates, which would choose among "
        "them. Leave one of them out.");
  const DemandSpeller spelling(encoder, options);
  SearchDemands demands;
  for (const std::string& entry : options.suppress)
    spelling.suppress(entry, demands.suppressed);
  bool any_phrase = false;
  for (std::size_t index = 0; index < sources.size(); ++index) {
    static const TextOptions kNone;
    const TextOptions& given = own.empty() ? kNone : own[index];
    SentenceDemands& sentence = demands.sentences.emplace_back();
    sentence.number = static_cast<std::uint64_t>(given.number < 0 ? static_cast<std::int64_t>(index)
                                                                  : given.number);
    const std::vector<std::int32_t>& first = encoder.target_prefix();
    sentence.prefix.assign(first.begin(), first.end());
    sentence.certain = std::ssize(first);
    const std::string& prefix = given.prefix.empty() ? options.prefix : given.prefix;
    if (!prefix.empty())
      for (const std::int64_t id : spelling.prefix(prefix, sources[index], index, max_positions))
        sentence.prefix.push_back(id);
    if (!given.constraints.empty()) refuse_constraints(options, index);
    for (const auto* texts : {&options.constraints, &given.constraints})
      for (const std::string& text : *texts)
        spelling.add_phrase(text, sources[index], index, sentence.phrases);
    any_phrase = any_phrase || !sentence.phrases.empty();
  }
  if (!any_phrase) return demands;
  for (std::int32_t id = 0; id < encoder.target().size(); ++id)
    demands.continues_word.push_back(begins_within_word(encoder.target().piece(id)));
  return demands;
}

std::vector<std::string> unmet_constraints(const PairEncoder& encoder, const EncodedSource& source,
                                           std::span<const std::vector<std::int64_t>> phrases,
                                           const std::string& output) {
  std::vector<std::string> unmet;
  for (const auto& phrase : phrases) {
    const std::string text = encoder.decode(phrase, source).text;
    bool stands = false;
    for (std::size_t at = output.find(text); at != std::string::npos && !stands;
         at = output.find(text, at + 1))
      stands = !begins_within_word(std::string_view(output).substr(at + text.size()));
    if (!stands) unmet.push_back(text);
  }
  return unmet;
}

}  // namespace dragoman
