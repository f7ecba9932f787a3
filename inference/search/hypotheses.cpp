#include "dragoman/inference/search/hypotheses.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

namespace dragoman {

double normalized_score(double log_probability, std::int64_t length,
                        const DecodingOptions& options) {
  const auto tokens =
      static_cast<double>(std::max<std::int64_t>(length, 1) + options.length_offset);
  switch (options.length_normalization) {
    case LengthNormalization::average:
      return log_probability / tokens;
    case LengthNormalization::gnmt:
      return log_probability / std::pow((5.0 + tokens) / 6.0, options.length_alpha);
    case LengthNormalization::power:
      return log_probability / std::pow(tokens, options.length_alpha);
    case LengthNormalization::none:
      break;
  }
  return log_probability;
}

void set_score(IdHypothesis& hypothesis, double total, const DecodingOptions& options) {
  hypothesis.log_probability =
      std::accumulate(hypothesis.token_scores.begin(), hypothesis.token_scores.end(), 0.0);
  hypothesis.penalty = hypothesis.log_probability - total;
  hypothesis.score =
      normalized_score(total, std::ssize(hypothesis.token_scores), options) + hypothesis.coverage;
}

FinishedHypotheses::FinishedHypotheses(const DecodingOptions& options, std::int64_t beam_size)
    : options_(options),
      capacity_(
          static_cast<std::int64_t>(std::ceil(options.patience * static_cast<double>(beam_size)))) {
}

void FinishedHypotheses::add(IdHypothesis hypothesis) {
  const auto place =
      std::ranges::upper_bound(best_, hypothesis.score, std::greater<>(), &IdHypothesis::score);
  best_.insert(place, std::move(hypothesis));
  if (std::ssize(best_) > capacity_) best_.pop_back();
}

bool FinishedHypotheses::is_done(const Live& live) const {
  if (options_.early_stopping == EarlyStopping::best_ended)
    return live.best_has_ended && std::ssize(best_) >= options_.n_best;
  if (std::ssize(best_) < capacity_) return false;
  const auto cannot_win = [&](std::int64_t length, double coverage) {
    return normalized_score(live.total, length, options_) + coverage <= best_.back().score;
  };
  switch (options_.early_stopping) {
    case EarlyStopping::heuristic:
      return cannot_win(live.length, live.coverage);
    case EarlyStopping::first:
      return true;
    case EarlyStopping::exact:
      // Sums only fall, the divisor is the greatest at the end, and all may be covered by then.
      return cannot_win(live.longest, 0.0);
    case EarlyStopping::never:
    case EarlyStopping::best_ended:
      break;
  }
  return false;
}

std::vector<IdHypothesis> FinishedHypotheses::take(std::int64_t n) {
  if (static_cast<std::int64_t>(best_.size()) > n) best_.resize(static_cast<std::size_t>(n));
  return std::move(best_);
}

}  // namespace dragoman
