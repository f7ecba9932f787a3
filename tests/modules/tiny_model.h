// Small models and batches for the tests of modules/.
#pragma once

#include <ATen/ATen.h>

#include "dragoman/modules/masks.h"
#include "dragoman/modules/transformer.h"

namespace dragoman_test {

/// 2 + 2 layers, width 12, no dropout, joint vocabulary of 11.
inline dragoman::ModelConfig tiny_config() {
  dragoman::ModelConfig config;
  config.encoder = {.layers = 2, .dim = 12, .heads = 3, .feed_forward = 20};
  config.decoder = config.encoder;
  config.max_positions = 16;
  config.source_vocabulary = 11;
  config.target_vocabulary = 11;
  config.dropout = 0.0;
  return config;
}

/// A model whose biases and norms are not at their special initial values.
inline dragoman::Transformer tiny_model(const dragoman::ModelConfig& config) {
  at::manual_seed(7);
  dragoman::Transformer model(config);
  const at::NoGradGuard no_grad;
  for (at::Tensor& parameter : model->parameters())
    parameter.add_(at::randn_like(parameter) * 0.1);
  return model;
}

struct TinyBatch {
  at::Tensor source;       ///< [3, 5]
  at::Tensor source_mask;  ///< [3, 5]
  at::Tensor input;        ///< [3, 4]
  at::Tensor output;       ///< [3, 4], -1 at padding
};

inline TinyBatch tiny_batch() {
  const at::Tensor source_lengths = at::tensor({5, 3, 1}, at::kLong);
  const at::Tensor target_lengths = at::tensor({4, 2, 3}, at::kLong);
  const at::Tensor words = at::arange(27, at::kLong).mul(7).remainder(11);
  return {words.narrow(0, 0, 15).view({3, 5}), dragoman::padding_mask(source_lengths, 5),
          words.narrow(0, 15, 12).view({3, 4}),
          words.narrow(0, 10, 12).view({3, 4}).masked_fill(
              dragoman::padding_mask(target_lengths, 4).logical_not(), -1)};
}

}  // namespace dragoman_test
