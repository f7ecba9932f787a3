// One step of beam search for one sentence, as a pure function: which extensions end, which go on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dragoman/inference/candidates.h"

namespace dragoman {

/// A hypothesis extended by one token.
struct Extension {
  std::int64_t beam = 0;  ///< which of the sentence's hypotheses
  std::int64_t token = 0;
  float log_prob = 0.0f;  ///< of the token
  double total = 0.0;     ///< of the hypothesis with it
};

struct StepChoice {
  std::vector<Extension> ended;      ///< with </s>, best first
  std::vector<Extension> continued;  ///< beam_size at most, best first
};

/// totals [beams]: log-probability of each hypothesis, minus infinity for an unused place. Its
/// candidates are rows first_row, first_row + 1, ... The extensions of all are ranked together
/// (ties: earlier beam, then smaller id). An extension by </s> ends a hypothesis only if it is
/// among the best beam_size, as in fairseq and Sockeye; the best beam_size others go on.
/// `candidates` must hold beam_size + 1 per row, or every word.
[[nodiscard]] StepChoice choose_extensions(std::span<const double> totals,
                                           const Candidates& candidates, std::int64_t first_row,
                                           std::int64_t beam_size, std::int64_t end_id);

}  // namespace dragoman
