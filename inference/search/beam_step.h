// One step of beam search for one sentence, as a pure function: which extensions end, which go on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dragoman/inference/models/candidates.h"

namespace dragoman {

/// A hypothesis extended by one token.
struct Extension {
  std::int64_t beam = 0;  ///< which of the sentence's hypotheses
  std::int64_t token = 0;
  float log_prob = 0.0f;  ///< of the token, as the model says
  double total = 0.0;     ///< of the hypothesis with it
  double rank = 0.0;      ///< what extensions are sorted by: total, less handicaps
};

struct StepChoice {
  std::vector<Extension> ended;      ///< with </s>, best first
  std::vector<Extension> continued;  ///< beam_size at most, best first

  [[nodiscard]] bool best_has_ended() const;
  /// Of all extensions together only the best beam_size.
  void keep_best(std::int64_t beam_size);
};

/// What makes a token worth less than its log-probability. Empty spans: nothing does.
struct Penalties {
  /// Of each hypothesis, sorted: tokens that it holds. Their log-probabilities are multiplied by
  /// `repetition` (1 or more), in `total` as well.
  std::span<const std::vector<std::int64_t>> said = {};
  double repetition = 1.0;
  /// Tokens that other hypotheses say in this step, each as often as it is said: every one takes
  /// `diversity` from the rank, but nothing from the total. Infinity: they are excluded.
  std::span<const std::int64_t> taken = {};
  /// Of each hypothesis, or empty: what it has lost in that way in the steps before.
  std::span<const double> handicaps = {};
  double diversity = 0.0;
};

/// totals [beams]: of each hypothesis, minus infinity for an unused place. Its candidates are rows
/// first_row, first_row + 1, ... All extensions, unsorted.
[[nodiscard]] std::vector<Extension> all_extensions(std::span<const double> totals,
                                                    const Candidates& candidates,
                                                    std::int64_t first_row,
                                                    const Penalties& penalties = {});
/// What `token` adds to the total of hypothesis `beam`.
[[nodiscard]] double gain(float log_prob, std::int64_t beam, std::int64_t token,
                          const Penalties& penalties);
/// Ties: earlier beam, then smaller id.
[[nodiscard]] bool ranks_before(const Extension& one, const Extension& other);

/// The extensions of all hypotheses are ranked together. An extension by </s> ends a hypothesis
/// only if it is among the best beam_size, as in fairseq and Sockeye; the best beam_size others go
/// on. `candidates` must hold beam_size + 1 per row, and one more for each token with a penalty, or
/// every word.
[[nodiscard]] StepChoice choose_extensions(std::span<const double> totals,
                                           const Candidates& candidates, std::int64_t first_row,
                                           std::int64_t beam_size, std::int64_t end_id,
                                           const Penalties& penalties = {});

}  // namespace dragoman
