// From decoder states to words: log-probabilities for search, and the loss for training. A softmax
// over a (possibly tied) projection; what a copy head adds is in copy_head.h.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "dragoman/modules/model_config.h"
#include "dragoman/modules/softmax_distillation.h"
#include "dragoman/modules/softmax_divergence.h"
#include "dragoman/modules/softmax_loss.h"

namespace dragoman {

struct MostProbable {
  at::Tensor ids;        ///< [N] int64
  at::Tensor log_probs;  ///< [N] float
};

class OutputHeadImpl : public torch::nn::Module {
 public:
  /// `weight` [V, D]: the matrix of an embedding to share; undefined: an own parameter "weight".
  OutputHeadImpl(const ModelConfig& config, const at::Tensor& tied_weight);

  /// hidden [..., D], `output_scale` times it -> [..., V] float32, not normalised: for search,
  /// which needs only the best words.
  at::Tensor logits(const at::Tensor& hidden);

  /// hidden [..., D] -> log-probabilities [..., V] float32.
  at::Tensor log_probs(const at::Tensor& hidden);

  /// The most probable word of each row, for hidden [N, D]; of few rows at a time, so that [N, V]
  /// is never there. No gradients.
  MostProbable most_probable(const at::Tensor& hidden);

  /// hidden [N, D], targets [N] int64; positions with target < 0 are ignored. Label smoothing as in
  /// Szegedy et al. 2016: (1 - s) * nll + s * mean over the vocabulary of -log p (what PyTorch's
  /// cross_entropy computes). Sums, not means. `copy`: see softmax_loss.h.
  TokenLoss loss(const at::Tensor& hidden, const at::Tensor& targets, double label_smoothing,
                 const CopyOdds& copy = {});

  /// hidden [N, D] and row_weights [N], twice each: see softmax_divergence.h.
  at::Tensor divergence(const TwoPasses& hidden, const TwoPasses& row_weights);

  /// hidden [N, D], teacher_hidden [N, D'] and row_weights [N]: see softmax_distillation.h.
  at::Tensor distillation(const at::Tensor& hidden, const OutputHeadImpl& teacher,
                          const at::Tensor& teacher_hidden, const at::Tensor& row_weights,
                          const Softening& softening);

  [[nodiscard]] std::int64_t vocabulary() const { return weight_.size(0); }

 private:
  at::Tensor scaled(const at::Tensor& hidden) const;

  double scale_;
  at::Tensor weight_;  ///< [V, D]
  at::Tensor bias_;    ///< [V]; undefined without bias
};
TORCH_MODULE(OutputHead);

}  // namespace dragoman
