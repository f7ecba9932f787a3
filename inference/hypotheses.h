// Outputs in token ids, how they are compared, and when a sentence is done.
#pragma once

#include <cstdint>
#include <vector>

#include "dragoman/inference/decoding_options.h"

namespace dragoman {

struct IdHypothesis {
  std::vector<std::int64_t> ids;    ///< without </s>
  std::vector<float> token_scores;  ///< log-probability of each id, then of </s> when it ended
  double log_probability = 0.0;     ///< sum of token_scores
  double score = 0.0;               ///< log_probability after length normalisation
  bool ended = true;                ///< with </s>; otherwise it was cut at the length limit
};

/// `length` is the number of summed log-probabilities: </s> counts. average: the mean. gnmt:
/// divided by ((5 + length) / 6)^alpha (Wu et al. 2016, equation 14, without the coverage term).
[[nodiscard]] double normalized_score(double log_probability, std::int64_t length,
                                      const DecodingOptions& options);

/// The best ended hypotheses of one sentence, at most beam_size of them.
class FinishedHypotheses {
 public:
  explicit FinishedHypotheses(const DecodingOptions& options) : options_(options) {}

  /// Sets `hypothesis.score`.
  void add(IdHypothesis hypothesis);
  /// True when beam_size have ended and the best live hypothesis, if it ended now at no cost, would
  /// not beat the last of them. Without normalisation no live hypothesis can then enter the list;
  /// with it a later one could in theory, since its divisor still grows.
  [[nodiscard]] bool is_done(double live_log_probability, std::int64_t live_length) const;
  [[nodiscard]] bool empty() const { return best_.empty(); }
  /// Null: none has ended. No worse one can become the best.
  [[nodiscard]] const IdHypothesis* best() const {
    return best_.empty() ? nullptr : &best_.front();
  }
  /// At most n, best first; of equal ones the earlier found first.
  [[nodiscard]] std::vector<IdHypothesis> take(std::int64_t n);

 private:
  DecodingOptions options_;
  std::vector<IdHypothesis> best_;  ///< sorted
};

}  // namespace dragoman
