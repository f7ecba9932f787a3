// How long an update of the actual model takes on batches of the actual data, and how much memory.
#include <ATen/Parallel.h>
#include <ATen/Utils.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>

#include "apps/doctor.h"
#include "dragoman/data/batch.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/training/device.h"
#include "dragoman/training/optimizer.h"
#include "dragoman/training/update.h"

namespace dragoman {
namespace {

constexpr double kSeconds = 8.0;      ///< of timed updates, then no more are begun
constexpr double kSlowUpdate = 12.0;  ///< seconds; one as slow as this is enough
constexpr std::int64_t kEnoughUpdates = 100;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A line of Linux' account of this process, in bytes.
double process_status(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key + ':')) {
      double kilobytes = 0;
      std::istringstream(line.substr(key.size() + 1)) >> kilobytes;
      return 1024.0 * kilobytes;
    }
  return 0.0;
}

void forget_peak() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

class DryRun {
 public:
  DryRun(const Diagnosis& diagnosis, const PairEncoder& encoder, Transformer model)
      : diagnosis_(diagnosis),
        encoder_(encoder),
        device_(parse_device(diagnosis.config.training.device)),
        model_(std::move(model)),
        optimizer_(prepare()),
        update_(diagnosis.config.training, model_, optimizer_, device_) {}

  [[nodiscard]] bool is_on_cpu() const { return device_.is_cpu(); }
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
  /// The learning rate is 0: the weights stay as they are. Returns seconds.
  double run(const std::vector<Batch>& batches) {
    const double start = now();
    (void)update_.run(batches, 0.0);
    return now() - start;
  }

 private:
  Optimizer prepare() {
    const TrainingConfig& training = diagnosis_.config.training;
    model_->to(device_);
    model_->set_compute_type(compute_type(training.precision, device_));
    model_->train();
    return {training, *model_};
  }

  const Diagnosis& diagnosis_;
  const PairEncoder& encoder_;
  at::Device device_;
  Transformer model_;
  Optimizer optimizer_;
  Update update_;
};

SpeedEstimate measure(const Diagnosis& diagnosis, DryRun& dry_run, double base_bytes,
                      double before_bytes) {
  SpeedEstimate estimate;
  const std::vector<Batch> largest{dry_run.batch(dry_run.largest())};
  double seconds = dry_run.run(largest);
  std::int64_t tokens = largest.front().target_tokens;
  if (dry_run.is_on_cpu())
    estimate.peak_bytes = std::max(process_status("VmHWM") - before_bytes, 0.0) + base_bytes;
  estimate.updates = 1;
  if (seconds < kSlowUpdate) {
    // The first update grows the allocator's memory; it is not counted.
    seconds = 0;
    tokens = estimate.updates = 0;
    const auto accumulate = static_cast<std::size_t>(diagnosis.config.training.accumulate);
    for (std::size_t next = 0; seconds < kSeconds && estimate.updates < kEnoughUpdates;) {
      std::vector<Batch> batches;
      while (batches.size() < accumulate) {
        batches.push_back(dry_run.batch(next++ % diagnosis.epoch->plan.batches.size()));
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
  return process_status("VmRSS");
}

void estimate_speed(Diagnosis& diagnosis, const PairEncoder& encoder, double base_bytes,
                    bool is_timed) {
  const TrainingConfig& training = diagnosis.config.training;
  if (training.threads > 0) at::set_num_threads(static_cast<int>(training.threads));
  at::manual_seed(static_cast<std::uint64_t>(training.seed));
  forget_peak();
  const double before_bytes = resident_bytes();
  Transformer model(diagnosis.config.model);
  for (const at::Tensor& parameter : model->parameters())
    diagnosis.parameters += parameter.numel();
  if (!is_timed || !diagnosis.epoch || !diagnosis.fits_positions()) return;
  DryRun dry_run(diagnosis, encoder, std::move(model));
  diagnosis.speed = measure(diagnosis, dry_run, base_bytes, before_bytes);
}

}  // namespace dragoman
