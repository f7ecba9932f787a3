#include "dragoman/inference/hypotheses.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace dragoman {

double normalized_score(double log_probability, std::int64_t length,
                        const DecodingOptions& options) {
  const auto tokens = static_cast<double>(std::max<std::int64_t>(length, 1));
  switch (options.length_normalization) {
    case LengthNormalization::average:
      return log_probability / tokens;
    case LengthNormalization::gnmt:
      return log_probability / std::pow((5.0 + tokens) / 6.0, options.length_alpha);
    case LengthNormalization::none:
      break;
  }
  return log_probability;
}

void FinishedHypotheses::add(IdHypothesis hypothesis) {
  const auto length = static_cast<std::int64_t>(hypothesis.token_scores.size());
  hypothesis.score = normalized_score(hypothesis.log_probability, length, options_);
  const auto place =
      std::ranges::upper_bound(best_, hypothesis.score, std::greater<>(), &IdHypothesis::score);
  best_.insert(place, std::move(hypothesis));
  if (static_cast<std::int64_t>(best_.size()) > options_.beam_size) best_.pop_back();
}

bool FinishedHypotheses::is_done(double live_log_probability, std::int64_t live_length) const {
  return static_cast<std::int64_t>(best_.size()) == options_.beam_size &&
         normalized_score(live_log_probability, live_length, options_) <= best_.back().score;
}

std::vector<IdHypothesis> FinishedHypotheses::take(std::int64_t n) {
  if (static_cast<std::int64_t>(best_.size()) > n) best_.resize(static_cast<std::size_t>(n));
  return std::move(best_);
}

}  // namespace dragoman
