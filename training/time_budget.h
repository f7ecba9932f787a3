// Fits a run to a time: from how long its updates, validations and checkpoints take, how many
// updates there is time for. The averaging at the end and the validation before it are reckoned in.
#pragma once

#include <cstdint>
#include <optional>

#include "dragoman/training/training_config.h"

namespace dragoman {

/// The settings that follow from the time.
struct FittedSchedule {
  std::int64_t max_steps = 0;
  std::int64_t warmup_steps = 0;
  std::int64_t validate_every = 0;
  std::int64_t save_every = 0;

  void apply(TrainingConfig& config) const;
};

class TimeBudget {
 public:
  /// Nothing without training.time_budget.
  [[nodiscard]] static std::optional<TimeBudget> from(const TrainingConfig& config);

  /// Seconds since the last update ended; validations and checkpoints in between are taken off.
  void add_update(double seconds);
  void add_validation(double seconds);
  void add_save(double seconds);
  /// What an earlier process of the run fitted.
  void restore(const FittedSchedule& fitted) { fitted_ = fitted; }

  /// The schedule for a run that stands at `step` after `spent` seconds, by what was timed so far;
  /// nothing before enough was. The first one settles warm-up (a fifth of the updates at most) and
  /// how often is validated and saved (four times at least); later ones adjust max_steps alone, so
  /// that the run ends in time also when it becomes faster or slower.
  const std::optional<FittedSchedule>& fit(std::int64_t step, double spent);
  [[nodiscard]] const std::optional<FittedSchedule>& fitted() const { return fitted_; }
  /// Before enough was timed a run goes on whatever was fitted: it may have been given more time.
  [[nodiscard]] bool is_over(std::int64_t step, double spent) const;
  [[nodiscard]] double seconds() const { return seconds_; }
  [[nodiscard]] double seconds_per_update() const { return update_; }

 private:
  TimeBudget(double seconds, const TrainingConfig& config) : seconds_(seconds), config_(config) {}
  [[nodiscard]] bool is_measured() const;
  /// Seconds from `step` to the end of the run when `updates` more are done.
  [[nodiscard]] double cost(std::int64_t step, std::int64_t updates) const;
  [[nodiscard]] std::int64_t updates_left(std::int64_t step, double spent) const;
  void settle(std::int64_t max_steps);

  double seconds_;
  TrainingConfig config_;  ///< as it was given, with what was fitted
  std::optional<FittedSchedule> fitted_;
  std::int64_t updates_ = 0;  ///< of this process, the first ones included
  double timed_ = 0.0;        ///< seconds of the updates that count
  double weight_ = 0.0;
  double update_ = 0.0;      ///< seconds of one, recent ones counting more
  double validation_ = 0.0;  ///< of the last one; 0: none yet
  double save_ = 0.0;        ///< of the last one
  double apart_ = 0.0;       ///< validations and saves since the last update
};

}  // namespace dragoman
