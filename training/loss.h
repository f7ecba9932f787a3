// The loss of a batch of sentence pairs under teacher forcing.
#pragma once

#include "dragoman/data/batch.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/training/distillation.h"
#include "dragoman/training/guided_alignment.h"
#include "dragoman/training/training_config.h"

namespace dragoman {

struct LossOptions {
  CopyLossOptions words;  ///< a model without a copy head reads only the label smoothing
  /// Weight alpha of R-Drop (Liang et al. 2021): each sentence goes through the model twice under
  /// different dropout, and the two outputs are drawn together. The loss is half the paper's, the
  /// mean cross-entropy of the passes + alpha / 4 (KL(p || q) + KL(q || p)). With a copy head the
  /// divergences are those of the gate, the generated words and the pointer together, which bound
  /// those of the mixture. 0: one pass.
  double r_drop = 0.0;
  GuidedAlignment guided;
  Distillation distillation;
  double sampling = 0.0;          ///< probability that the decoder reads the model's own word
  std::int64_t unknown_word = 1;  ///< what sampling puts for words that only copying produces
};

/// What losses need beside the configuration.
struct LossInputs {
  Transformer teacher{nullptr};   ///< on the model's device, in evaluation mode; null: none
  std::int64_t unknown_word = 1;  ///< see LossOptions
};

[[nodiscard]] LossOptions loss_options(const TrainingConfig& config, const LossInputs& inputs);

/// Sums over the real target tokens of `batch`, which lies on the model's device.
[[nodiscard]] TokenLoss batch_loss(Transformer& model, const Batch& batch,
                                   const LossOptions& options);

}  // namespace dragoman
