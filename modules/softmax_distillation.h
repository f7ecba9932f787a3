// How far the softmax output of a model is from that of its teacher (Hinton et al. 2015), computed
// together with its gradients so that no [N, V] tensor outlives a few hundred rows.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace dragoman {

/// softmax(weight hidden + bias), row by row.
struct SoftmaxOutput {
  at::Tensor hidden;  ///< [N, D]
  at::Tensor weight;  ///< [V, D]
  at::Tensor bias;    ///< [V] or undefined
};

struct Softening {
  double temperature = 1.0;  ///< both outputs are softmax(logits / temperature)
  std::int64_t top_k = 0;    ///< the teacher's most probable words, which share its probability; 0:
                             ///< all
};

/// With q the teacher's and p the student's distribution of a row: the sum over the rows of
///
///   row_weights KL(q || p)
///
/// in nats, [] float, differentiable in the student's tensors. The two may have different D, but
/// the same V. row_weights [N]. Gradients are computed here, and only when the gradient mode is on.
[[nodiscard]] at::Tensor softmax_distillation(const SoftmaxOutput& student,
                                              const SoftmaxOutput& teacher,
                                              const at::Tensor& row_weights,
                                              const Softening& softening);

}  // namespace dragoman
