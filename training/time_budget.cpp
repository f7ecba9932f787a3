#include "dragoman/training/time_budget.h"

#include <algorithm>
#include <cmath>

#include "dragoman/training/duration.h"

namespace dragoman {
namespace {

constexpr std::int64_t kSlowStart = 3;    ///< first updates: the allocator's memory still grows
constexpr std::int64_t kLeastTimed = 10;  ///< updates
constexpr double kLeastShare = 0.005;     ///< of the budget
constexpr double kLongEnough = 30.0;      ///< seconds of measurement
constexpr double kMemory = 0.995;         ///< an update counts half as much as one 140 later
constexpr double kOver = 0.97;            ///< of the budget: no more to be measured
constexpr std::int64_t kLeastValidations = 4;
constexpr std::int64_t kWarmupPart = 5;

/// Multiples of `every` after `step`, up to `end`.
std::int64_t multiples(std::int64_t every, std::int64_t step, std::int64_t end) {
  return every == 0 ? 0 : end / every - step / every;
}

}  // namespace

void FittedSchedule::apply(TrainingConfig& config) const {
  config.max_steps = max_steps;
  config.warmup_steps = warmup_steps;
  config.validate_every = validate_every;
  config.save_every = save_every;
}

std::optional<TimeBudget> TimeBudget::from(const TrainingConfig& config) {
  const std::optional<double> seconds = parse_duration(config.time_budget);
  if (!seconds) return {};
  return TimeBudget(*seconds, config);
}

void TimeBudget::add_update(double seconds) {
  const double own = std::max(seconds - apart_, 0.0);
  apart_ = 0.0;
  if (++updates_ <= kSlowStart) return;
  timed_ += own;
  update_ = (update_ * weight_ * kMemory + own) / (weight_ * kMemory + 1.0);
  weight_ = weight_ * kMemory + 1.0;
}

void TimeBudget::add_validation(double seconds) {
  validation_ = seconds;
  apart_ += seconds;
}

void TimeBudget::add_save(double seconds) {
  save_ = seconds;
  apart_ += seconds;
}

bool TimeBudget::is_measured() const {
  return updates_ >= kSlowStart + kLeastTimed &&
         timed_ >= std::min(kLeastShare * seconds_, kLongEnough);
}

double TimeBudget::cost(std::int64_t step, std::int64_t updates) const {
  const std::int64_t end = step + updates;
  const auto is_due = [end](std::int64_t every) { return every > 0 && end % every == 0; };
  std::int64_t validations = multiples(config_.validate_every, step, end);
  std::int64_t saves = multiples(config_.save_every, step, end);
  // A validation that is among the best is saved as well.
  if (config_.validate_every != config_.save_every) saves += validations;
  if (config_.validate_every > 0 && !is_due(config_.validate_every)) ++validations;
  if (!is_due(config_.save_every)) ++saves;
  // Averaging reads the weights alone, a third of what a checkpoint writes with Adam's moments.
  const double averaging =
      save_ / 3.0 * static_cast<double>(std::max(config_.average_last, config_.average_best));
  return static_cast<double>(updates) * update_ + static_cast<double>(validations) * validation_ +
         static_cast<double>(saves) * save_ + averaging;
}

std::int64_t TimeBudget::updates_left(std::int64_t step, double spent) const {
  const double left = seconds_ - spent;
  std::int64_t fits = 0;
  std::int64_t beyond =
      static_cast<std::int64_t>(std::max(left, 0.0) / std::max(update_, 1e-6)) + 1;
  while (beyond - fits > 1) {
    const std::int64_t middle = fits + (beyond - fits) / 2;
    (cost(step, middle) <= left ? fits : beyond) = middle;
  }
  return fits;
}

void TimeBudget::settle(std::int64_t max_steps) {
  const std::int64_t seldom = std::max<std::int64_t>(max_steps / kLeastValidations, 1);
  if (config_.validate_every > 0) config_.validate_every = std::min(config_.validate_every, seldom);
  config_.save_every = std::min(config_.save_every, seldom);
  config_.warmup_steps = std::min(config_.warmup_steps, max_steps / kWarmupPart);
}

const std::optional<FittedSchedule>& TimeBudget::fit(std::int64_t step, double spent) {
  if (!is_measured()) return fitted_;
  if (!fitted_)
    settle(step + updates_left(step, spent));
  else
    fitted_->apply(config_);
  const std::int64_t max_steps = std::max<std::int64_t>(step + updates_left(step, spent), 1);
  fitted_ =
      FittedSchedule{max_steps, config_.warmup_steps, config_.validate_every, config_.save_every};
  return fitted_;
}

bool TimeBudget::is_over(std::int64_t step, double spent) const {
  return is_measured() && fitted_ ? step >= fitted_->max_steps : spent >= kOver * seconds_;
}

}  // namespace dragoman
