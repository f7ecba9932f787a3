// The loss of a batch of sentence pairs under teacher forcing.
#pragma once

#include "dragoman/data/batch.h"
#include "dragoman/modules/transformer.h"

namespace dragoman {

/// Sums over the real target tokens of `batch`, which lies on the model's device. A model without
/// a copy head reads only the label smoothing.
[[nodiscard]] TokenLoss batch_loss(Transformer& model, const Batch& batch,
                                   const CopyLossOptions& options);

}  // namespace dragoman
