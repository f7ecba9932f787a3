// How training tells what it does: a line for a person, the same figures in log.jsonl and in
// TensorBoard.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dragoman/data/log.h"
#include "dragoman/training/layer_meter.h"
#include "dragoman/training/progress.h"
#include "dragoman/training/scores.h"
#include "dragoman/training/snapshot.h"
#include "dragoman/training/stop_reason.h"
#include "dragoman/training/tensorboard.h"
#include "dragoman/training/time_budget.h"
#include "dragoman/training/training_config.h"
#include "dragoman/training/validation.h"

namespace dragoman {

class Reporter {
 public:
  /// Opens a TensorBoard file in the run directory when the configuration says so.
  Reporter(const TrainingConfig& config, Log& log, std::int64_t resumed_step);

  /// `weights`: how many numbers are trained.
  void started(const Counters& counters, bool is_resumed, std::int64_t weights, bool is_bf16);
  /// `kept`: how many numbers of the optimiser's state this one of `ranks` keeps.
  void sharded(std::int64_t kept, int ranks);
  void progress(const Counters& counters, const ProgressReport& report, double learning_rate,
                double seconds_left);
  /// What the filters did so far: the first time, and then when twice as much has been read.
  void data(const FilterCounts& counts);
  /// The progress bar; on a terminal only.
  void status(const Counters& counters, const ProgressReport& report, double seconds_left);
  void validation(const Counters& counters, const DevelopmentScores& scores, bool is_best,
                  double seconds, const std::vector<SampleTranslation>& samples);
  /// A measurement of every layer.
  void norms(const Counters& counters, const std::vector<LayerFigures>& layers);
  /// What LayerWatch found.
  void warn(const Counters& counters, const std::vector<std::string>& warnings);
  void skipped(const Counters& counters, const std::string& problem);
  /// The schedule was fitted to the time, or adjusted: told when max_steps moved by a twentieth.
  void fitted(const Counters& counters, const TrainingConfig& config, const TimeBudget& budget);
  void saved(const Counters& counters, const std::string& model_path, double seconds);
  /// Ranks whose weights were not those of rank 0.
  void strayed(const Counters& counters, const std::vector<std::int64_t>& ranks);
  void finished(const Counters& counters, StopReason reason);

 private:
  void scalars(std::int64_t step, const std::vector<std::pair<std::string, double>>& values);

  TrainingConfig config_;
  at::Device device_;
  Log& log_;
  std::optional<EventFile> events_;
  bool events_failed_ = false;
  std::int64_t pairs_told_ = 0;
  std::int64_t max_steps_told_ = 0;  ///< 0: not fitted yet
};

}  // namespace dragoman
