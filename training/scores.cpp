#include "dragoman/training/scores.h"

#include <cmath>

namespace dragoman {

std::string_view name(Metric metric) {
  for (const auto& [text, value] : names(metric))
    if (value == metric) return text;
  return {};
}

std::optional<double> score(const DevelopmentScores& scores, Metric metric) {
  switch (metric) {
    case Metric::loss:
      return scores.loss;
    case Metric::accuracy:
      return scores.accuracy;
    case Metric::bleu:
      return scores.bleu;
    case Metric::chrf:
      return scores.chrf;
  }
  return {};
}

bool is_better(Metric metric, double candidate, double incumbent) {
  if (!std::isfinite(candidate)) return false;
  if (!std::isfinite(incumbent)) return true;
  return metric == Metric::loss ? candidate < incumbent : candidate > incumbent;
}

bool Patience::add(std::int64_t step, double value) {
  const bool is_best = best_score_ ? is_better(metric_, value, *best_score_) : std::isfinite(value);
  if (is_best) {
    best_step_ = step;
    best_score_ = value;
    misses_ = 0;
  } else {
    ++misses_;
  }
  return is_best;
}

void Patience::restore(std::int64_t best_step, std::optional<double> best_score,
                       std::int64_t misses) {
  best_step_ = best_step;
  best_score_ = best_score;
  misses_ = misses;
}

}  // namespace dragoman
