// One optimiser update: `accumulate` batches forward and backward, the gradient clipped by its
// norm, a step. The loss is divided by the target tokens of the whole update, so that the result
// does not depend on how its sentences were cut into batches, nor on how these were dealt out to
// ranks: gradients and figures are those of all ranks together. The host waits for the device once.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "dragoman/data/batch.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/training/layer_meter.h"
#include "dragoman/training/loss.h"
#include "dragoman/training/optimizer.h"
#include "dragoman/training/ranks/communicator.h"
#include "dragoman/training/ranks/gradient_sync.h"
#include "dragoman/training/training_config.h"

namespace dragoman {

struct UpdateResult {
  double loss = 0.0;  ///< per target token, nats, with label smoothing
  double nll = 0.0;   ///< per target token, nats, without
  double gradient_norm = 0.0;
  double copied = 0.0;  ///< part of the targets' probability that copying has, summed
  std::int64_t correct = 0;
  std::int64_t sentences = 0;
  std::int64_t source_tokens = 0;
  std::int64_t target_tokens = 0;
  std::string problem;  ///< empty: the step was taken; else what was not finite, and where
};

class Update {
 public:
  Update(const TrainingConfig& config, Transformer model, Optimizer& optimizer, at::Device device,
         const LossInputs& inputs = {}, Communicator* communicator = nullptr);

  /// Batches on the CPU; with several ranks perhaps none. An update whose loss or gradient is not
  /// finite changes nothing and says where it began; after max_bad_steps in a row throws Error with
  /// advice. `meter`, when given, measures this update. `sampling`: see sampling_probability.
  UpdateResult run(std::span<const Batch> batches, double learning_rate,
                   LayerMeter* meter = nullptr, double sampling = 0.0);

  /// Updates in a row that were skipped; part of a checkpoint.
  [[nodiscard]] std::int64_t bad_steps() const { return bad_steps_; }
  void set_bad_steps(std::int64_t count) { bad_steps_ = count; }

 private:
  /// The counts of all ranks.
  [[nodiscard]] UpdateResult counted(std::span<const Batch> batches) const;
  [[nodiscard]] at::Tensor gradient_norm() const;  ///< [] float
  [[nodiscard]] std::string find_problem(const UpdateResult& result) const;
  void count_problem(const std::string& problem);

  const TrainingConfig config_;
  LossOptions loss_;
  Transformer model_;
  Optimizer& optimizer_;
  at::Device device_;
  Communicator* communicator_;        ///< null: one process
  std::optional<GradientSync> sync_;  ///< with several ranks
  std::int64_t bad_steps_ = 0;
};

}  // namespace dragoman
