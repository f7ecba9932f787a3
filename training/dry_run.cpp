#include "dragoman/training/dry_run.h"

#include <ATen/Parallel.h>

#include <chrono>
#include <utility>

#include "dragoman/training/device.h"
#include "dragoman/training/placement.h"

namespace dragoman {
DryRun::DryRun(const TrainingConfig& config, Transformer model, const LossInputs& inputs)
    : device_(parse_device(config.device)),
      model_(
          placed_for_training(std::move(model), device_, compute_type(config.precision, device_))),
      optimizer_(config, *model_),
      update_(config, model_, optimizer_, device_,
              {placed_teacher(inputs.teacher, device_, compute_type(config.precision, device_)),
               inputs.unknown_word}) {
  if (config.threads > 0) at::set_num_threads(static_cast<int>(config.threads));
}

double DryRun::run(const std::vector<Batch>& batches) {
  const auto start = std::chrono::steady_clock::now();
  (void)update_.run(batches, 0.0);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace dragoman
