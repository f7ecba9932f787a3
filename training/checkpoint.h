// The checkpoints of a run. Each is a pair of archives: step-N.pt, a model file that every command
// takes, and step-N.state.pt, all else that an exact continuation needs (optimiser, random
// generators, data position, scores, counters; under a moving average, which then is the model, the
// weights that are trained). A pair counts only when both files are there and whole; older pairs
// are deleted after a newer one is complete, so a process killed at any moment leaves one to go on
// from.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dragoman/data/log.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/training/moving_average.h"
#include "dragoman/training/optimizer.h"
#include "dragoman/training/run_directory.h"
#include "dragoman/training/snapshot.h"
#include "dragoman/training/training_config.h"

namespace dragoman {

/// What a checkpoint stores and restores beside the snapshot.
struct TrainedParts {
  Transformer model{nullptr};
  Optimizer& optimizer;
  MovingAverage* average = nullptr;  ///< null: the model files hold the weights themselves
  at::Device device = at::kCPU;
  std::map<std::string, std::string> bundle;  ///< extra files of each model file
};

/// What ranks bring together for a checkpoint.
struct RankStates {
  std::map<std::string, at::Tensor> optimizer;  ///< Optimizer::state
  at::Tensor generators;  ///< see generators_of, a row for each rank; undefined: of this process
};

class CheckpointStore {
 public:
  CheckpointStore(const TrainingConfig& config, TrainedParts parts, Log& log);

  /// Makes the run directory and removes what a killed process left half-written. Throws UsageError
  /// when there are checkpoints and `is_resumed` is false.
  void open(bool is_resumed) const;

  /// Writes the pair of `record`, lists it, deletes what the rules no longer keep, and lets best.pt
  /// be the model of snapshot.best_step. `snapshot.records` and `averaged_updates` are filled in.
  /// Throws SystemError; the checkpoints that were there before remain.
  void save(Snapshot snapshot, const CheckpointRecord& record, const RankStates& states);

  /// Restores the newest complete pair and returns its snapshot; nothing when there is none. What a
  /// killed process left undone of a save is done.
  /// Damaged ones are named in the log and passed over. Throws ModelError when all are damaged, or
  /// when one does not fit the model or the optimiser.
  std::optional<Snapshot> restore();

  /// True when a model with `scores` would be among the keep_best ones.
  [[nodiscard]] bool ranks_among_best(const DevelopmentScores& scores) const;
  /// As `save` got them, of what was restored; undefined: of one process, and already set.
  [[nodiscard]] const at::Tensor& generators() const { return generators_; }
  [[nodiscard]] const std::vector<CheckpointRecord>& records() const { return records_; }
  [[nodiscard]] const RunDirectory& directory() const { return directory_; }

 private:
  void write_pair(const Snapshot& snapshot, const CheckpointRecord& record,
                  const RankStates& states) const;
  /// What follows a pair: the list of all, best.pt, and the end of older ones.
  void publish(std::int64_t best_step) const;
  void link_best(std::int64_t step) const;
  void remove_old() const;
  /// Throws a ModelError that names `path`.
  void load_into_model(const std::map<std::string, at::Tensor>& weights, const std::string& path);
  [[nodiscard]] Snapshot load_pair(std::int64_t step);

  TrainingConfig config_;
  TrainedParts parts_;
  Log& log_;
  RunDirectory directory_;
  std::vector<CheckpointRecord> records_;
  at::Tensor generators_;  ///< [ranks, bytes] uint8
};

}  // namespace dragoman
