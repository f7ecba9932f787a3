// Label-smoothed cross-entropy of a linear layer, computed together with its gradients so that no
// [N, V] tensor outlives a few hundred rows. Costs about half of linear + cross_entropy.
#pragma once

#include <ATen/core/Tensor.h>

namespace dragoman {

/// Sums over all positions whose target is not `ignore`.
struct TokenLoss {
  at::Tensor loss;     ///< [] float, differentiable: smoothed negative log-likelihood, in nats
  at::Tensor nll;      ///< [] float, no gradient: negative log-likelihood of the targets
  at::Tensor correct;  ///< [] int64: positions where the target is the most probable word
  at::Tensor copied;   ///< [] float, no gradient: the parts of the targets' probabilities that
                       ///< copying has; undefined without a copy head
};

/// What a copy head adds to the probability of the targets, as log(p_copy mass / p_gen).
struct CopyOdds {
  at::Tensor target;  ///< [N] of the target word, differentiable; very negative: cannot be copied
  at::Tensor rival;   ///< [N] of the most copied other word
};

/// hidden [N, D], weight [V, D], bias [V] or undefined, targets [N] int64 (negative: ignored).
/// Gradients are computed here, and only when the gradient mode is on. With `copy` targets may be
/// V and more, which only copying produces; the losses then lack -log p_gen of each row, and the
/// smoothing is left out for targets of V and more.
[[nodiscard]] TokenLoss softmax_loss(const at::Tensor& hidden, const at::Tensor& weight,
                                     const at::Tensor& bias, const at::Tensor& targets,
                                     double label_smoothing, const CopyOdds& copy = {});

}  // namespace dragoman
