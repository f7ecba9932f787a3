// chrF (Popović 2015) and chrF++ (word_order = 2; Popović 2017), equal to sacreBLEU 2.6.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "dragoman/data/metrics/statistics.h"

namespace dragoman {

struct ChrfOptions {
  int char_order = 6;
  int word_order = 0;  ///< 2 is chrF++
  int beta = 2;        ///< weight of recall
  bool lowercase = false;
  bool whitespace = false;         ///< count white space as characters
  bool epsilon_smoothing = false;  ///< as chrF++.py, NLTK and Moses; else effective order
};

struct ChrfScore {
  double score = 0.0;  ///< 0 to 100
};

/// Throws std::invalid_argument when a reference set has another length or there is none.
[[nodiscard]] ChrfScore corpus_chrf(std::span<const std::string> hypotheses,
                                    ReferenceSets references, const ChrfOptions& options = {});
[[nodiscard]] ChrfScore sentence_chrf(const std::string& hypothesis,
                                      std::span<const std::string> references,
                                      const ChrfOptions& options = {});

/// A row is, for every order, n-grams of the hypothesis, of its best reference, and of both.
[[nodiscard]] Statistics chrf_statistics(std::span<const std::string> hypotheses,
                                         ReferenceSets references, const ChrfOptions& options = {});
/// `sums`: one row, or the sum of any selection of rows.
[[nodiscard]] ChrfScore chrf_from_statistics(std::span<const double> sums,
                                             const ChrfOptions& options = {});

/// "chrF2", "chrF2++"
[[nodiscard]] std::string chrf_name(const ChrfOptions& options);
/// "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:dragoman-0.1.0"
[[nodiscard]] std::string chrf_signature(const ChrfOptions& options, std::int64_t references,
                                         const SignatureSampling& sampling = {});

}  // namespace dragoman
