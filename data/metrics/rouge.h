// ROUGE-N, ROUGE-L and ROUGE-Lsum (Lin 2004), equal to Google's rouge-score 0.1.2.
//
//   const RougeOptions options{.unit = RougeUnit::ngrams, .order = 2, .stemmer = true};
//   double rouge2 = corpus_rouge(hypotheses, references, options).score;
//
// As there, words are runs of the letters a to z and of digits, in lower case. Every other letter
// parts words: "für" is "f" and "r", and Chinese text has no words at all.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/metrics/statistics.h"

namespace dragoman {

/// What hypothesis and reference are to have in common.
enum class RougeUnit {
  ngrams,       ///< ROUGE-N: word n-grams
  subsequence,  ///< ROUGE-L: words in the same order, anything between them
  sentences  ///< ROUGE-Lsum: for each sentence of the reference, the union of its subsequences with
             ///< the sentences of the hypothesis
};

struct RougeOptions {
  RougeUnit unit = RougeUnit::ngrams;
  int order = 1;         ///< of the n-grams
  bool stemmer = false;  ///< stem words of more than 3 letters, see PorterStemmer
  /// Ends a sentence, for ROUGE-Lsum; in the others it parts words. Nothing: a line feed.
  std::optional<std::string> sentence_separator = std::nullopt;
};

/// The means over the sentences; with several references, of the one with the highest F.
struct RougeScore {
  double score = 0.0;      ///< F1, 0 to 100
  double precision = 0.0;  ///< 0 to 100
  double recall = 0.0;     ///< 0 to 100

  /// "(P = 41.20 R = 39.87)"
  [[nodiscard]] std::string details() const;
};

/// "rouge1" to "rouge9", "rougeL", "rougeLsum".
[[nodiscard]] std::string rouge_name(const RougeOptions& options);

/// Throws std::invalid_argument when a reference set has another length, there is none, the order
/// is not from 1 to 9, or the separator is empty.
[[nodiscard]] RougeScore corpus_rouge(std::span<const std::string> hypotheses,
                                      ReferenceSets references, const RougeOptions& options = {});
[[nodiscard]] RougeScore sentence_rouge(const std::string& hypothesis,
                                        std::span<const std::string> references,
                                        const RougeOptions& options = {});

/// A row is 1 (for the sentence), and its precision, recall and F from 0 to 1.
[[nodiscard]] Statistics rouge_statistics(std::span<const std::string> hypotheses,
                                          ReferenceSets references,
                                          const RougeOptions& options = {});
/// `sums`: one row, or the sum of any selection of rows.
[[nodiscard]] RougeScore rouge_from_statistics(std::span<const double> sums);

/// "nrefs:1|case:lc|tok:rouge-score-0.1.2|stem:no|version:dragoman-0.1.0"; rougeLsum tells what
/// ends its sentences too: "sents:newline", or "sents:marked" for a separator of the caller's.
[[nodiscard]] std::string rouge_signature(const RougeOptions& options, std::int64_t references,
                                          const SignatureSampling& sampling = {});

/// The words that ROUGE sees; without stemming.
[[nodiscard]] std::vector<std::string> rouge_words(std::string_view text);

}  // namespace dragoman
