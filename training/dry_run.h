// Updates of a model that learn nothing, to see how long they take and how much memory.
#pragma once

#include <cstdint>
#include <vector>

#include "dragoman/data/batch.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/training/loss.h"
#include "dragoman/training/optimizer.h"
#include "dragoman/training/training_config.h"
#include "dragoman/training/update.h"

namespace dragoman {

class DryRun {
 public:
  /// `model` and the teacher are moved to the device. Throws UsageError (device).
  DryRun(const TrainingConfig& config, Transformer model, const LossInputs& inputs = {});

  [[nodiscard]] at::Device device() const { return device_; }
  /// One update at a learning rate of 0: seconds.
  double run(const std::vector<Batch>& batches);

 private:
  at::Device device_;
  Transformer model_;
  Optimizer optimizer_;
  Update update_;
};

}  // namespace dragoman
