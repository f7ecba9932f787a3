#include "dragoman/training/scores.h"

#include <cmath>

namespace dragoman {

std::string_view name(Metric metric) {
  for (const auto& [text, value] : names(metric))
    if (value == metric) return text;
  return {};
}

bool is_rouge(Metric metric) {
  return metric == Metric::rouge1 || metric == Metric::rouge2 || metric == Metric::rougeL;
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
    case Metric::rouge1:
      return scores.rouge1;
    case Metric::rouge2:
      return scores.rouge2;
    case Metric::rougeL:
      return scores.rougeL;
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
