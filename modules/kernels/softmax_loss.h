// Label-smoothed cross-entropy of rows of logits, and its gradient in place of them; of the words
// alone, or of words that may also be copied.
//
// With copying, p(w) = p_gen (softmax_w + exp(odds_w)) where odds_w = log(p_copy mass_w / p_gen).
// Losses here leave out -log p_gen, which does not depend on the logits.
#pragma once

#include <cstdint>

#include "dragoman/modules/kernels/number.h"

namespace dragoman::kernels {

struct SoftmaxLossRow {
  float loss;    ///< (1 - smoothing) * nll + smoothing * mean over the vocabulary of
                 ///< -log softmax; nll alone for a target outside the vocabulary
  float nll;     ///< -log p(target)
  float copied;  ///< the part of p(target) that copying has, in [0, 1]
  bool correct;  ///< no word is more probable than the target
};

template <class Number>
struct SoftmaxLossRows {
  Number* logits;     ///< [rows, vocabulary] without bias; overwritten, with the gradient of each
                      ///< row's loss when it is wanted
  const float* bias;  ///< [vocabulary] or null
  const std::int64_t* targets;  ///< [rows], not negative; below `vocabulary` without copying
  const float* copy_odds;       ///< [rows] of the target, or null: no copying
  const float* rival_odds;      ///< [rows] of the most copied other word; null without copying
  std::int64_t rows;
  std::int64_t vocabulary;
  float smoothing;
  bool want_gradient;
  float* bias_gradient;     ///< [vocabulary] or null: the rows' gradients are added to it
  SoftmaxLossRow* results;  ///< [rows]
};

void softmax_loss(const SoftmaxLossRows<float>& work);
void softmax_loss(const SoftmaxLossRows<BFloat16>& work);

}  // namespace dragoman::kernels
