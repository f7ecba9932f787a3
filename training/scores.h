// Figures of the development set, and which of two is better.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dragoman/training/training_config.h"

namespace dragoman {

struct DevelopmentScores {
  double loss = 0.0;           ///< negative log-likelihood per target token, nats, </s> counted
  double perplexity = 0.0;     ///< exp(loss)
  double accuracy = 0.0;       ///< share of target tokens that are the most probable one, 0 to 1
  std::optional<double> bleu;  ///< 0 to 100; without decoding: nothing
  std::optional<double> chrf;  ///< 0 to 100
  std::optional<double> rouge1, rouge2, rougeL;  ///< 0 to 100; where one of them ranks checkpoints
};

/// "loss", "accuracy", "bleu", "chrf", "rouge1", ...
[[nodiscard]] std::string_view name(Metric metric);
[[nodiscard]] bool is_rouge(Metric metric);
[[nodiscard]] std::optional<double> score(const DevelopmentScores& scores, Metric metric);
/// Strictly better; nothing is better than a number that is not finite, and that is never better.
[[nodiscard]] bool is_better(Metric metric, double candidate, double incumbent);

/// The best score so far, and for how many validations there was no better one.
class Patience {
 public:
  /// `patience` 0: never exhausted.
  Patience(Metric metric, std::int64_t patience) : metric_(metric), patience_(patience) {}

  /// True when `value` is the best so far.
  bool add(std::int64_t step, double value);
  [[nodiscard]] bool is_exhausted() const { return patience_ > 0 && misses_ >= patience_; }

  [[nodiscard]] std::int64_t best_step() const { return best_step_; }  ///< 0: none yet
  [[nodiscard]] std::optional<double> best_score() const { return best_score_; }
  [[nodiscard]] std::int64_t misses() const { return misses_; }
  void restore(std::int64_t best_step, std::optional<double> best_score, std::int64_t misses);

 private:
  Metric metric_;
  std::int64_t patience_;
  std::int64_t best_step_ = 0;
  std::optional<double> best_score_;
  std::int64_t misses_ = 0;
};

}  // namespace dragoman
