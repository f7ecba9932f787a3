// Label-smoothed cross-entropy of rows of logits, and its gradient in place of them.
#pragma once

#include <cstdint>

#include "dragoman/modules/kernels/number.h"

namespace dragoman::kernels {

struct SoftmaxLossRow {
  float loss;    ///< (1 - smoothing) * nll + smoothing * mean over the vocabulary of -log p
  float nll;     ///< -log p(target)
  bool correct;  ///< no word is more probable than the target
};

template <class Number>
struct SoftmaxLossRows {
  Number* logits;     ///< [rows, vocabulary] without bias; overwritten, with the gradient of each
                      ///< row's loss when it is wanted
  const float* bias;  ///< [vocabulary] or null
  const std::int64_t* targets;  ///< [rows], each in [0, vocabulary)
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
