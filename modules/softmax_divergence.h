// How far two softmax outputs of the same linear layer are apart (R-Drop, Liang et al. 2021),
// computed together with its gradients so that no [N, V] tensor outlives a few hundred rows.
#pragma once

#include <ATen/core/Tensor.h>

namespace dragoman {

/// Two passes over the same rows under different dropout.
struct TwoPasses {
  at::Tensor first;   ///< [N, ...]
  at::Tensor second;  ///< as `first`
};

/// hidden [N, D] each, weight [V, D], bias [V] or undefined, row_weights [N] each. With p and q the
/// two distributions of a row: the sum over the rows of
///
///   row_weights.first KL(p || q) + row_weights.second KL(q || p)
///
/// in nats, [] float, differentiable in all arguments. Gradients are computed here, and only when
/// the gradient mode is on.
[[nodiscard]] at::Tensor softmax_divergence(const TwoPasses& hidden, const at::Tensor& weight,
                                            const at::Tensor& bias, const TwoPasses& row_weights);

/// The same for two given distributions: log_p, log_q [..., K] -> KL(p || q), KL(q || p) [...].
[[nodiscard]] TwoPasses divergences(const at::Tensor& log_p, const at::Tensor& log_q);

}  // namespace dragoman
