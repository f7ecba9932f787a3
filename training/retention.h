// Which checkpoints are kept, and which are the best.
#pragma once

#include <cstdint>
#include <vector>

#include "dragoman/training/snapshot.h"

namespace dragoman {

/// Steps of the records that have a finite `metric`, best first; of equals the earlier one.
[[nodiscard]] std::vector<std::int64_t> ranked_steps(const std::vector<CheckpointRecord>& records,
                                                     Metric metric);

/// Steps that stay, ascending: the newest, the last `keep_last` and the best `keep_best` of those
/// whose time had come. `records` are ascending.
[[nodiscard]] std::vector<std::int64_t> kept_steps(const std::vector<CheckpointRecord>& records,
                                                   Metric metric, std::int64_t keep_last,
                                                   std::int64_t keep_best);

/// The last `count` steps, ascending; interruptions do not count.
[[nodiscard]] std::vector<std::int64_t> last_steps(const std::vector<CheckpointRecord>& records,
                                                   std::int64_t count);

}  // namespace dragoman
