// BLEU (Papineni et al. 2002), equal to sacreBLEU 2.6.
//
//   std::vector<std::vector<std::string>> references = {lines};
//   double bleu = corpus_bleu(hypotheses, references).score;
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dragoman/data/metrics/statistics.h"

namespace dragoman {

enum class BleuTokenizer { v13a, intl, character, zh, none };
constexpr auto names(BleuTokenizer) {
  return std::to_array<std::pair<std::string_view, BleuTokenizer>>(
      {{"13a", BleuTokenizer::v13a},
       {"intl", BleuTokenizer::intl},
       {"char", BleuTokenizer::character},
       {"zh", BleuTokenizer::zh},
       {"none", BleuTokenizer::none}});
}

/// What an n-gram order without a match counts (Chen and Cherry 2014).
enum class BleuSmoothing { exp, floor, add_k, none };
constexpr auto names(BleuSmoothing) {
  return std::to_array<std::pair<std::string_view, BleuSmoothing>>({{"exp", BleuSmoothing::exp},
                                                                    {"floor", BleuSmoothing::floor},
                                                                    {"add-k", BleuSmoothing::add_k},
                                                                    {"none", BleuSmoothing::none}});
}

struct BleuOptions {
  BleuTokenizer tokenizer = BleuTokenizer::v13a;
  bool lowercase = false;
  BleuSmoothing smoothing = BleuSmoothing::exp;
  std::optional<double> smoothing_value = std::nullopt;  ///< default 0.1 for floor, 1 for add-k
  bool effective_order = false;  ///< leave out orders longer than the text; for sentences
  int max_order = 4;
};

struct BleuScore {
  double score = 0.0;                ///< 0 to 100
  std::vector<double> precisions;    ///< [max_order] 0 to 100
  std::vector<std::int64_t> counts;  ///< [max_order] matching n-grams
  std::vector<std::int64_t> totals;  ///< [max_order] n-grams of the hypotheses
  double brevity_penalty = 0.0;
  std::int64_t hypothesis_length = 0;
  std::int64_t reference_length = 0;

  [[nodiscard]] double ratio() const;
  /// "67.9/43.1/29.2/20.0 (BP = 1.000 ratio = 1.010 hyp_len = 12068 ref_len = 11950)"
  [[nodiscard]] std::string details() const;
};

/// Throws std::invalid_argument when a reference set has another length or there is none.
[[nodiscard]] BleuScore corpus_bleu(std::span<const std::string> hypotheses,
                                    ReferenceSets references, const BleuOptions& options = {});

/// Set `effective_order` in `options`, or short sentences score 0.
[[nodiscard]] BleuScore sentence_bleu(const std::string& hypothesis,
                                      std::span<const std::string> references,
                                      const BleuOptions& options = {});

/// A row is hypothesis length, closest reference length, counts, totals.
[[nodiscard]] Statistics bleu_statistics(std::span<const std::string> hypotheses,
                                         ReferenceSets references, const BleuOptions& options = {});
/// `sums`: one row, or the sum of any selection of rows.
[[nodiscard]] BleuScore bleu_from_statistics(std::span<const double> sums,
                                             const BleuOptions& options = {});

/// "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:dragoman-0.1.0"
[[nodiscard]] std::string bleu_signature(const BleuOptions& options, std::int64_t references,
                                         const SignatureSampling& sampling = {});

/// True for 100 lines or more that end in " .": text that somebody forgot to detokenise.
[[nodiscard]] bool looks_tokenized(std::span<const std::string> hypotheses);

}  // namespace dragoman
