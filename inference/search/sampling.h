// Outputs drawn at random from a model, with temperature, top-k (Fan et al. 2018) and top-p
// (Holtzman et al. 2020), in place of beam search.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dragoman/inference/demands.h"
#include "dragoman/inference/search/beam_search.h"

namespace dragoman {

/// Turns log-probabilities (minus infinity: impossible) into probabilities after temperature, then
/// top-k, then top-p: the fewest tokens that are the most probable and reach top_p together. Of
/// equal ones the smaller ids stay. They sum to 1, or to 0 when nothing is possible.
[[nodiscard]] std::vector<double> sampling_probabilities(std::span<const double> log_probs,
                                                         const DecodingOptions& options);

/// The token at which the running sum of `probabilities`, in the order of ids, exceeds `uniform`,
/// which is in [0, 1).
[[nodiscard]] std::int64_t token_at(std::span<const double> probabilities, double uniform);

/// n_best independent outputs of each sentence, in the order in which they are drawn; limits and
/// rules are those of beam_search. What is drawn depends on the seed, on the sentence's number
/// (SearchDemands), on the output's place among the n_best and on the model's probabilities alone,
/// not on the rest of the batch. Token scores are the model's own log-probabilities, whatever the
/// options make of them.
[[nodiscard]] std::vector<std::vector<IdHypothesis>> sample(const StepModel& model,
                                                            const SourceBatch& source,
                                                            const TargetIds& ids,
                                                            const DecodingOptions& options,
                                                            const SearchDemands& demands = {});

}  // namespace dragoman
