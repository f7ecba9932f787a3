#include "dragoman/training/progress.h"

#include <algorithm>
#include <cmath>

namespace dragoman {
namespace {

/// Updates until a limit; an update is a whole number, a limit in epochs is known roughly.
double updates_left(const TrainingConfig& config, const Counters& counters) {
  double left = static_cast<double>(config.max_steps - counters.step);
  if (config.max_epochs > 0 && counters.epoch_length > 0) {
    const std::int64_t end =
        counters.epoch_step + (config.max_epochs - counters.epochs) * counters.epoch_length;
    left = std::min(left, static_cast<double>(end - counters.step));
  }
  return std::max(left, 0.0);
}

}  // namespace

void Progress::add(const UpdateResult& update, double seconds) {
  ++sums_.updates;
  sums_.seconds += seconds;
  if (!update.problem.empty()) {
    ++sums_.skipped;
    return;
  }
  const double tokens = static_cast<double>(update.target_tokens);
  sums_.loss += update.loss * tokens;
  sums_.nll += update.nll * tokens;
  sums_.accuracy += static_cast<double>(update.correct);
  sums_.copied += update.copied;
  sums_.gradient_norm += update.gradient_norm;
  tokens_ += update.target_tokens;
}

ProgressReport Progress::peek() const {
  ProgressReport report = sums_;
  const double tokens = static_cast<double>(std::max<std::int64_t>(tokens_, 1));
  report.loss /= tokens;
  report.nll /= tokens;
  report.accuracy /= tokens;
  report.copied /= tokens;
  report.perplexity = std::exp(report.nll);
  report.gradient_norm /=
      static_cast<double>(std::max<std::int64_t>(report.updates - report.skipped, 1));
  report.tokens_per_second =
      report.seconds > 0.0 ? static_cast<double>(tokens_) / report.seconds : 0.0;
  return report;
}

ProgressReport Progress::take() {
  const ProgressReport report = peek();
  *this = Progress();
  return report;
}

double completed_share(const TrainingConfig& config, const Counters& counters) {
  const double done = static_cast<double>(counters.step);
  double share = done / std::max(done + updates_left(config, counters), 1.0);
  if (config.max_minutes > 0.0)
    share = std::max(share, counters.seconds / (60.0 * config.max_minutes));
  return std::min(share, 1.0);
}

double seconds_left(const TrainingConfig& config, const Counters& counters,
                    double seconds_per_update) {
  double left = updates_left(config, counters) * seconds_per_update;
  if (config.max_minutes > 0.0) left = std::min(left, 60.0 * config.max_minutes - counters.seconds);
  return std::max(left, 0.0);
}

}  // namespace dragoman
