// What happened since the last report, and how long it will go on.
#pragma once

#include <cstdint>

#include "dragoman/training/duration.h"
#include "dragoman/training/snapshot.h"
#include "dragoman/training/training_config.h"
#include "dragoman/training/update.h"

namespace dragoman {

struct ProgressReport {
  std::int64_t updates = 0;
  std::int64_t skipped = 0;
  double loss = 0.0;           ///< per target token, nats, with label smoothing
  double nll = 0.0;            ///< per target token, nats
  double perplexity = 0.0;     ///< exp(nll)
  double accuracy = 0.0;       ///< 0 to 1
  double copied = 0.0;         ///< share of target tokens that were copied; 0 without a copy head
  double gradient_norm = 0.0;  ///< mean over the updates, before clipping
  double tokens_per_second =
      0.0;  ///< target tokens over the time of updates, waiting for data included
  double seconds = 0.0;
  double communication = 0.0;  ///< seconds of waiting for other ranks; by the caller
  double bytes_sent = 0.0;     ///< to other ranks; by the caller
};

class Progress {
 public:
  void add(const UpdateResult& update, double seconds);
  /// The averages since the last call.
  [[nodiscard]] ProgressReport take();
  /// The same without beginning anew.
  [[nodiscard]] ProgressReport peek() const;

 private:
  ProgressReport sums_;
  std::int64_t tokens_ = 0;
};

/// Share of the work that is done, 0 to 1, by the limit that is nearest; an epoch limit counts once
/// an epoch is complete.
[[nodiscard]] double completed_share(const TrainingConfig& config, const Counters& counters);

/// Seconds until the first limit is reached, at `seconds_per_update`.
[[nodiscard]] double seconds_left(const TrainingConfig& config, const Counters& counters,
                                  double seconds_per_update);

}  // namespace dragoman
