// Confidence intervals and paired tests on sentence statistics, by resampling (Koehn 2004; Riezler
// and Maxwell 2005).
//
// The definitions are sacreBLEU's; the random numbers are our own (std::mt19937_64, the same on
// every platform), so intervals and p-values agree with it up to sampling noise, not digit for
// digit.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "dragoman/data/metrics/statistics.h"

namespace dragoman {

/// The score of summed statistics: e.g. [](auto sums) { return bleu_from_statistics(sums).score; }
using ScoreFunction = std::function<double(std::span<const double>)>;

struct Resampling {
  std::int64_t samples = 1000;  ///< resamples, or trials of the randomisation test
  std::uint64_t seed = 12345;
};

/// The middle 95 % of the resampled scores.
struct ConfidenceInterval {
  double mean = 0.0;
  double half_width = 0.0;
};

[[nodiscard]] ConfidenceInterval bootstrap_confidence(const Statistics& statistics,
                                                      const ScoreFunction& score,
                                                      const Resampling& resampling = {});

/// p: how probable a difference at least as great is if the two systems are really alike.
/// Two systems with exactly the same score get p = 1 (sacreBLEU: 1 / (samples + 1)).
struct PairedBootstrap {
  double p_value = 1.0;
  ConfidenceInterval baseline;
  ConfidenceInterval system;
};

/// Both draw the same sentences for the two systems; the statistics must have the same shape.
[[nodiscard]] PairedBootstrap paired_bootstrap(const Statistics& baseline, const Statistics& system,
                                               const ScoreFunction& score,
                                               const Resampling& resampling = {});
/// Approximate randomisation, two-sided; 10000 trials are usual.
[[nodiscard]] double paired_randomization(const Statistics& baseline, const Statistics& system,
                                          const ScoreFunction& score,
                                          const Resampling& resampling = {.samples = 10000});

}  // namespace dragoman
