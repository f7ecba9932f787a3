// Translation edit rate (Snover et al. 2006), equal to sacreBLEU 2.6, which follows Tercom.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "dragoman/data/metrics/statistics.h"

namespace dragoman {

struct TerOptions {
  bool normalized = false;      ///< split off punctuation, resolve entities
  bool no_punctuation = false;  ///< drop punctuation
  bool asian_support = false;   ///< with the two above: also for Chinese and Japanese characters
  bool case_sensitive = false;
};

struct TerScore {
  double score = 0.0;  ///< edits per 100 words of reference: lower is better, may exceed 100
  std::int64_t edits = 0;
  double reference_length = 0.0;  ///< words; the mean over the references of a sentence
};

/// Throws std::invalid_argument when a reference set has another length or there is none.
[[nodiscard]] TerScore corpus_ter(std::span<const std::string> hypotheses, ReferenceSets references,
                                  const TerOptions& options = {});
[[nodiscard]] TerScore sentence_ter(const std::string& hypothesis,
                                    std::span<const std::string> references,
                                    const TerOptions& options = {});

/// A row is edits against the closest reference, mean reference length.
[[nodiscard]] Statistics ter_statistics(std::span<const std::string> hypotheses,
                                        ReferenceSets references, const TerOptions& options = {});
/// `sums`: one row, or the sum of any selection of rows.
[[nodiscard]] TerScore ter_from_statistics(std::span<const double> sums);

/// "nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no|version:dragoman-0.1.0"
[[nodiscard]] std::string ter_signature(const TerOptions& options, std::int64_t references,
                                        const SignatureSampling& sampling = {});

}  // namespace dragoman
