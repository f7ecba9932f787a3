#include "dragoman/training/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace dragoman {
namespace {

// 0 at the end of warm-up, 1 from max_steps on.
double progress(const TrainingConfig& config, double since_warmup) {
  const double length = static_cast<double>(config.max_steps - config.warmup_steps);
  return length <= 0.0 ? 1.0 : std::min(1.0, since_warmup / length);
}

double interpolate(double from, double to, double share) {
  return from + (to - from) * share;
}

}  // namespace

double learning_rate(const TrainingConfig& config, std::int64_t step) {
  const double peak = config.learning_rate;
  const double low = config.final_learning_rate;
  const double warmup = static_cast<double>(config.warmup_steps);
  const double now = static_cast<double>(step);
  if (step < config.warmup_steps) return peak * now / warmup;

  const double since = now - warmup;
  const double periods = since / static_cast<double>(config.decay_steps);
  switch (config.schedule) {
    case ScheduleKind::constant:
      return peak;
    case ScheduleKind::linear:
      return interpolate(peak, low, progress(config, since));
    case ScheduleKind::noam:
      return peak * std::sqrt(std::max(warmup, 1.0) / std::max(now, 1.0));
    case ScheduleKind::exponential:
      return std::max(low, peak * std::pow(config.decay_rate, periods));
    case ScheduleKind::cosine:
      return interpolate(peak, low,
                         (1.0 - std::cos(std::numbers::pi * progress(config, since))) / 2.0);
    case ScheduleKind::cyclic:
      return interpolate(low, peak, std::abs(1.0 - 2.0 * (periods - std::floor(periods))));
  }
  return peak;
}

}  // namespace dragoman
