#include "dragoman/data/metrics/ter.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "dragoman/data/metrics/edit_rate.h"
#include "dragoman/data/metrics/ngram_index.h"
#include "dragoman/data/metrics/tokenize.h"

namespace dragoman {
namespace {

bool in(char32_t character, char32_t first, char32_t last) {
  return first <= character && character <= last;
}

bool is_asian_punctuation(char32_t c) {
  return c == 0x3001 || c == 0x3002 || in(c, 0x3008, 0x3011) || in(c, 0x3014, 0x301f) ||
         in(c, 0xff61, 0xff65) || c == 0x30fb || c == 0xff0e || c == 0xff0c || c == 0xff1f ||
         c == 0xff1a || c == 0xff1b || c == 0xff01 || c == 0xff02 || c == 0xff08 || c == 0xff09;
}

/// Up to U+3F22, as sacreBLEU has it; the block of enclosed letters ends at U+32FF.
bool is_asian_symbol(char32_t c) {
  return in(c, 0x4e00, 0x9fff) || in(c, 0x3400, 0x4dbf) || in(c, 0x31c0, 0x31ef) ||
         in(c, 0x2e80, 0x2eff) || in(c, 0x3300, 0x33ff) || in(c, 0xf900, 0xfaff) ||
         in(c, 0xfe30, 0xfe4f) || in(c, 0x3200, 0x3f22);
}

std::u32string normalize(std::u32string_view line, bool asian_support) {
  std::u32string text = replace_all(line, U"\n-", U"");
  text = replace_all(text, U"\n", U" ");
  text = replace_all(text, U"&quot;", U"\"");
  text = replace_all(text, U"&amp;", U"&");
  text = replace_all(text, U"&lt;", U"<");
  text = replace_all(text, U"&gt;", U">");
  text = split_ascii_punctuation(U" " + text + U" ");
  text = split_periods_and_dashes(replace_all(text, U"'s ", U" 's "));
  if (!asian_support) return text;
  std::u32string result;
  for (const char32_t character : text) {
    if (is_asian_symbol(character) || is_asian_punctuation(character)) {
      result += {U' ', character, U' '};
    } else {
      result += character;
    }
  }
  return result;
}

std::u32string prepare(std::u32string text, const TerOptions& options) {
  text.resize(strip_right(text).size());
  if (!options.case_sensitive) text = to_lower(std::move(text));
  if (options.normalized) text = normalize(text, options.asian_support);
  if (options.no_punctuation) {
    std::erase_if(text, [&](char32_t character) {
      return std::u32string_view(U".,?:;!\"()").find(character) != std::u32string_view::npos ||
             (options.asian_support && is_asian_punctuation(character));
    });
  }
  return text;
}

/// sacreBLEU prepares a reference twice, which matters where white space other than a space follows
/// "'s" or a mark of punctuation.
std::u32string prepare_reference(const std::string& line, const TerOptions& options) {
  std::u32string text = prepare(to_code_points(line), options);
  if (!options.normalized) return text;
  std::u32string joined;
  for (const auto word : split(text)) {
    if (!joined.empty()) joined += U' ';
    joined += word;
  }
  return prepare(std::move(joined), options);
}

}  // namespace

Statistics ter_statistics(std::span<const std::string> hypotheses, ReferenceSets references,
                          const TerOptions& options) {
  check_references(hypotheses, references);
  Statistics statistics;
  statistics.width = 2;
  statistics.values.reserve(2 * hypotheses.size());
  NgramIndex index;
  for (std::size_t sentence = 0; sentence < hypotheses.size(); ++sentence) {
    index.clear();
    const std::u32string text = prepare(to_code_points(hypotheses[sentence]), options);
    const auto hypothesis = index.add_words(split(text));
    std::int64_t fewest_edits = 0;
    double reference_words = 0.0;
    for (std::size_t set = 0; set < references.size(); ++set) {
      const std::u32string reference_text = prepare_reference(references[set][sentence], options);
      const auto reference = index.add_words(split(reference_text));
      const std::int64_t edits = translation_edits(hypothesis, reference);
      fewest_edits = set == 0 ? edits : std::min(fewest_edits, edits);
      reference_words += static_cast<double>(reference.size());
    }
    statistics.values.push_back(static_cast<double>(fewest_edits));
    statistics.values.push_back(reference_words / static_cast<double>(references.size()));
  }
  return statistics;
}

TerScore ter_from_statistics(std::span<const double> sums) {
  if (sums.size() != 2) throw std::invalid_argument("these are no statistics of TER");
  TerScore result;
  result.edits = static_cast<std::int64_t>(sums[0]);
  result.reference_length = sums[1];
  if (sums[1] > 0) {
    result.score = 100.0 * (sums[0] / sums[1]);
  } else {
    result.score = sums[0] > 0 ? 100.0 : 0.0;
  }
  return result;
}

TerScore corpus_ter(std::span<const std::string> hypotheses, ReferenceSets references,
                    const TerOptions& options) {
  return ter_from_statistics(ter_statistics(hypotheses, references, options).sum());
}

TerScore sentence_ter(const std::string& hypothesis, std::span<const std::string> references,
                      const TerOptions& options) {
  std::vector<std::vector<std::string>> sets;
  for (const auto& reference : references)
    sets.push_back({reference});
  return corpus_ter(std::span(&hypothesis, 1), sets, options);
}

std::string ter_signature(const TerOptions& options, std::int64_t references,
                          const SignatureSampling& sampling) {
  const auto yes_or_no = [](bool value) { return value ? "yes" : "no"; };
  return make_signature(
      references, sampling,
      fmt::format("case:{}|tok:tercom|norm:{}|punct:{}|asian:{}",
                  options.case_sensitive ? "mixed" : "lc", yes_or_no(options.normalized),
                  yes_or_no(!options.no_punctuation), yes_or_no(options.asian_support)));
}

}  // namespace dragoman
