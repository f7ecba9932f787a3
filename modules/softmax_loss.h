// Label-smoothed cross-entropy of a linear layer, computed together with its gradients so that no
// [N, V] tensor outlives a few hundred rows. Costs about half of linear + cross_entropy.
#pragma once

#include <ATen/core/Tensor.h>

#include "dragoman/modules/output_head.h"

namespace dragoman {

/// hidden [N, D], weight [V, D], bias [V] or undefined, targets [N] int64 (negative: ignored).
/// Gradients are computed here, and only when the gradient mode is on.
[[nodiscard]] TokenLoss softmax_loss(const at::Tensor& hidden, const at::Tensor& weight,
                                     const at::Tensor& bias, const at::Tensor& targets,
                                     double label_smoothing);

}  // namespace dragoman
