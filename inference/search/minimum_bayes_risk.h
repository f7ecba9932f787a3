// Minimum Bayes risk decoding: of several outputs, those that are most like what else might be
// right (Kumar and Byrne 2004; with samples Eikema and Aziz 2020), by sentence chrF.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dragoman/inference/search/hypotheses.h"

namespace dragoman {

/// The mean chrF of each text against all texts, itself included; weights: how much each counts as
/// a reference (positive; only their proportions matter). 0 to 100.
[[nodiscard]] std::vector<double> expected_chrf(std::span<const std::string> texts,
                                                std::span<const double> weights);

/// Keeps the n of `hypotheses` with the greatest expected chrF, best first, each text once, and
/// sets it. `texts`: of each hypothesis. Samples count alike, hypotheses of a beam by probability.
void keep_least_risk(std::vector<IdHypothesis>& hypotheses, std::span<const std::string> texts,
                     bool are_samples, std::int64_t n);

}  // namespace dragoman
