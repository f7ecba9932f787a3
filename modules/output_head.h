// From decoder states to words: log-probabilities for search, and the loss for training. The plain
// head is a softmax over a (possibly tied) projection; a copy head will offer the same two calls.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "dragoman/modules/model_config.h"

namespace dragoman {

/// Sums over all positions whose target is not `ignore`.
struct TokenLoss {
  at::Tensor loss;     ///< [] float, differentiable: smoothed negative log-likelihood, in nats
  at::Tensor nll;      ///< [] float, no gradient: negative log-likelihood of the targets
  at::Tensor correct;  ///< [] int64: positions where the target is the most probable word
};

class OutputHeadImpl : public torch::nn::Module {
 public:
  /// `weight` [V, D]: the matrix of an embedding to share; undefined: an own parameter "weight".
  OutputHeadImpl(const ModelConfig& config, const at::Tensor& tied_weight);

  /// hidden [..., D] -> [..., V] float32, not normalised: for search, which needs only the best
  /// words.
  at::Tensor logits(const at::Tensor& hidden);

  /// hidden [..., D] -> log-probabilities [..., V] float32.
  at::Tensor log_probs(const at::Tensor& hidden);

  /// hidden [N, D], targets [N] int64; positions with target < 0 are ignored. Label smoothing as in
  /// Szegedy et al. 2016: (1 - s) * nll + s * mean over the vocabulary of -log p (what PyTorch's
  /// cross_entropy computes). Sums, not means.
  TokenLoss loss(const at::Tensor& hidden, const at::Tensor& targets, double label_smoothing);

 private:
  at::Tensor weight_;  ///< [V, D]
  at::Tensor bias_;    ///< [V]; undefined without bias
};
TORCH_MODULE(OutputHead);

}  // namespace dragoman
