#include "dragoman/training/dry_run.h"

#include <ATen/Parallel.h>

#include <chrono>
#include <utility>

#include "dragoman/training/device.h"

namespace dragoman {
namespace {

Transformer placed(Transformer model, const TrainingConfig& config, at::Device device) {
  if (config.threads > 0) at::set_num_threads(static_cast<int>(config.threads));
  model->to(device);
  model->set_compute_type(compute_type(config.precision, device));
  model->train();
  return model;
}

}  // namespace

DryRun::DryRun(const TrainingConfig& config, Transformer model)
    : device_(parse_device(config.device)),
      model_(placed(std::move(model), config, device_)),
      optimizer_(config, *model_),
      update_(config, model_, optimizer_, device_) {}

double DryRun::run(const std::vector<Batch>& batches) {
  const auto start = std::chrono::steady_clock::now();
  (void)update_.run(batches, 0.0);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace dragoman
