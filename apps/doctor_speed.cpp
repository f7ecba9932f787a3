// How long an update of the actual model takes on batches of the actual data, and how much memory.
#include <ATen/Parallel.h>
#include <ATen/Utils.h>

#include <algorithm>
#include <vector>

#include "apps/doctor.h"
#include "dragoman/data/batch.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/training/dry_run.h"
#include "dragoman/training/memory.h"

namespace dragoman {
namespace {

constexpr double kSeconds = 8.0;      ///< of timed updates, then no more are begun
constexpr double kSlowUpdate = 12.0;  ///< seconds; one as slow as this is enough
constexpr std::int64_t kEnoughUpdates = 100;

/// The batches of an epoch of the data that was looked at.
class EpochBatches {
 public:
  EpochBatches(const Diagnosis& diagnosis, const PairEncoder& encoder)
      : diagnosis_(diagnosis), encoder_(encoder) {}

  [[nodiscard]] Batch batch(std::size_t index) const {
    std::vector<Example> examples;
    for (const std::uint32_t member : diagnosis_.epoch->plan.batch(index))
      examples.push_back(diagnosis_.tokens.back().kept.unpack(diagnosis_.epoch->pairs[member]));
    return collate(examples, encoder_.special_ids());
  }
  /// The batch whose tensors are largest.
  [[nodiscard]] std::size_t largest() const {
    const auto lengths = diagnosis_.tokens.back().kept.lengths();
    const BatchPlan& plan = diagnosis_.epoch->plan;
    std::size_t found = 0;
    std::int64_t most = 0;
    for (std::size_t index = 0; index < plan.batches.size(); ++index) {
      std::int64_t longest = 0;
      for (const std::uint32_t member : plan.batch(index)) {
        const PairLength& length = lengths[diagnosis_.epoch->pairs[member]];
        longest = std::max<std::int64_t>(longest, length.source + length.target);
      }
      const std::int64_t cells = longest * std::ssize(plan.batch(index));
      if (cells > most) {
        most = cells;
        found = index;
      }
    }
    return found;
  }

 private:
  const Diagnosis& diagnosis_;
  const PairEncoder& encoder_;
};

SpeedEstimate measure(const Diagnosis& diagnosis, const EpochBatches& epoch, DryRun& dry_run,
                      double base_bytes, double before_bytes) {
  SpeedEstimate estimate;
  const std::vector<Batch> largest{epoch.batch(epoch.largest())};
  double seconds = dry_run.run(largest);
  std::int64_t tokens = largest.front().target_tokens;
  if (dry_run.device().is_cpu()) {
    const auto peak = static_cast<double>(peak_resident_memory());
    estimate.peak_bytes = std::max(peak - before_bytes, 0.0) + base_bytes;
  }
  estimate.updates = 1;
  if (seconds < kSlowUpdate) {
    // The first update grows the allocator's memory; it is not counted.
    seconds = 0;
    tokens = estimate.updates = 0;
    const auto accumulate = static_cast<std::size_t>(diagnosis.config.training.accumulate);
    for (std::size_t next = 0; seconds < kSeconds && estimate.updates < kEnoughUpdates;) {
      std::vector<Batch> batches;
      while (batches.size() < accumulate) {
        batches.push_back(epoch.batch(next++ % diagnosis.epoch->plan.batches.size()));
        tokens += batches.back().target_tokens;
      }
      seconds += dry_run.run(batches);
      ++estimate.updates;
    }
  }
  estimate.tokens_per_second = static_cast<double>(tokens) / seconds;
  return estimate;
}

}  // namespace

double resident_bytes() {
  return static_cast<double>(resident_memory());
}

void estimate_speed(Diagnosis& diagnosis, const PairEncoder& encoder, double base_bytes,
                    bool is_timed) {
  const TrainingConfig& training = diagnosis.config.training;
  if (training.threads > 0) at::set_num_threads(static_cast<int>(training.threads));
  at::manual_seed(static_cast<std::uint64_t>(training.seed));
  forget_peak_memory();
  const double before_bytes = resident_bytes();
  Transformer model(diagnosis.config.model);
  for (const at::Tensor& parameter : model->parameters())
    diagnosis.parameters += parameter.numel();
  if (!is_timed || !diagnosis.epoch || !diagnosis.fits_positions()) return;
  DryRun dry_run(training, std::move(model));
  diagnosis.speed =
      measure(diagnosis, EpochBatches(diagnosis, encoder), dry_run, base_bytes, before_bytes);
}

}  // namespace dragoman
