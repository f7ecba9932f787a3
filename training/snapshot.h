// What training knows about itself beside tensors: where it is, what it counted, which checkpoints
// there are. Part of step-N.state.pt as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dragoman/data/batch_stream.h"
#include "dragoman/training/scores.h"
#include "dragoman/training/time_budget.h"

namespace dragoman {

/// Since the beginning of the run, resumed runs included.
struct Counters {
  std::int64_t step = 0;          ///< updates, skipped ones included
  std::int64_t skipped = 0;       ///< updates that were not finite
  std::int64_t epochs = 0;        ///< complete passes over the data
  std::int64_t epoch_step = 0;    ///< the update that ended the last complete pass
  std::int64_t epoch_length = 0;  ///< updates of that pass; 0: not known yet
  std::int64_t sentences = 0;
  std::int64_t source_tokens = 0;
  std::int64_t target_tokens = 0;
  double seconds = 0.0;  ///< of training, validation and saving included
  FilterCounts data;
};

/// One checkpoint in the run directory.
struct CheckpointRecord {
  std::int64_t step = 0;
  /// Written because of a signal, not because its time had come: never averaged, and gone as soon
  /// as there is a newer one, so that an interrupted run keeps the same files as one that was not.
  bool is_interruption = false;
  std::optional<DevelopmentScores> scores;
};

struct Snapshot {
  Counters counters;
  std::string position;             ///< of the data, after the last update
  std::int64_t bad_steps = 0;       ///< updates in a row that were skipped
  std::int64_t validated_step = 0;  ///< the last validation
  std::int64_t best_step = 0;
  std::optional<double> best_score;
  std::int64_t misses = 0;                ///< validations since the best one
  std::optional<FittedSchedule> fitted;   ///< by training.time_budget
  std::int64_t averaged_updates = 0;      ///< in the moving average of the weights
  std::int64_t threads = 0;               ///< LibTorch's; another number may change the last bits
  std::vector<CheckpointRecord> records;  ///< ascending; the last is this one
};

[[nodiscard]] std::string to_json_text(const Snapshot& snapshot);
/// Throws ModelError with `origin` when `text` is no snapshot.
[[nodiscard]] Snapshot snapshot_from_json(const std::string& text, const std::string& origin);

[[nodiscard]] std::string records_to_json(const std::vector<CheckpointRecord>& records,
                                          Metric best_metric);
struct RecordList {
  std::vector<CheckpointRecord> records;
  Metric best_metric = Metric::loss;
};
[[nodiscard]] RecordList records_from_json(const std::string& text, const std::string& origin);

/// card.json: what a model file says about how it came to be.
[[nodiscard]] std::string training_card(const Counters& counters,
                                        const std::optional<DevelopmentScores>& scores);
/// The card of an average: that of its last model and the list of all, "step-500.pt" or any path.
[[nodiscard]] std::string averaged_card(const std::string& last_card,
                                        const std::vector<std::string>& sources);

}  // namespace dragoman
