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
  double penalty = 0.0;             ///< what repetition_penalty takes from it
  double coverage = 0.0;            ///< coverage_penalty times log_coverage: 0 or less
  /// log_probability - penalty after length normalisation, and coverage.
  double score = 0.0;
  bool ended = true;           ///< with </s>; otherwise it was cut at the length limit
  double expected_chrf = 0.0;  ///< see minimum_bayes_risk.h
};

/// `length` is the number of summed log-probabilities: </s> counts. average: the mean. gnmt:
/// divided by ((5 + length) / 6)^alpha (Wu et al. 2016, equation 14, without its coverage term).
/// power: divided by length^alpha. length_offset is added to the length first.
[[nodiscard]] double normalized_score(double log_probability, std::int64_t length,
                                      const DecodingOptions& options);

/// Sets log_probability, penalty and score from token_scores, from coverage and from the sum that
/// hypotheses are compared by.
void set_score(IdHypothesis& hypothesis, double total, const DecodingOptions& options);

/// The best ended hypotheses of one search, at most patience * `beam_size` of them (rounded up).
class FinishedHypotheses {
 public:
  FinishedHypotheses(const DecodingOptions& options, std::int64_t beam_size);

  /// By score; of equal ones the earlier added first.
  void add(IdHypothesis hypothesis);
  struct Live {
    double total;           ///< of the best live hypothesis
    std::int64_t length;    ///< its summed log-probabilities if it ended now
    std::int64_t longest;   ///< those of the longest hypothesis that there may be
    double coverage = 0.0;  ///< the best that any live hypothesis has now; it only grows
    /// Of all extensions of this step the best one has ended.
    bool best_has_ended = false;
  };
  /// Whether the search may stop, as EarlyStopping says.
  [[nodiscard]] bool is_done(const Live& live) const;
  [[nodiscard]] bool empty() const { return best_.empty(); }
  /// Null: none has ended. No worse one can become the best.
  [[nodiscard]] const IdHypothesis* best() const {
    return best_.empty() ? nullptr : &best_.front();
  }
  /// At most n, best first.
  [[nodiscard]] std::vector<IdHypothesis> take(std::int64_t n);

 private:
  DecodingOptions options_;
  std::int64_t capacity_;
  std::vector<IdHypothesis> best_;  ///< sorted
};

}  // namespace dragoman
