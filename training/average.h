// The average of the weights of several checkpoints of one run, which is often better than each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dragoman/data/log.h"
#include "dragoman/training/training_config.h"

namespace dragoman {

/// Writes the mean of the models at `paths` to `output`, with the extra files of the last one. Sums
/// are in float64. Throws UsageError when `paths` is empty, ModelError when a file is damaged or
/// the names or shapes differ, SystemError when `output` cannot be written.
void average_checkpoints(const std::vector<std::string>& paths, const std::string& output);

/// Model files of the newest `count` checkpoints in the run directory `run`, oldest first; fewer
/// when there are fewer. Throws DataError when there is none.
[[nodiscard]] std::vector<std::string> last_checkpoints(const std::string& run, std::int64_t count);

/// Model files of the best `count` checkpoints by the run's best_metric, oldest first.
[[nodiscard]] std::vector<std::string> best_checkpoints(const std::string& run, std::int64_t count);

/// Writes the average that training.average_best or average_last asks for into averaged.pt of the
/// run; an average of the best becomes one of the last where nothing was validated. Returns its
/// path; empty: none was asked for.
std::string average_run(const TrainingConfig& config, bool was_validated, Log& log);

}  // namespace dragoman
