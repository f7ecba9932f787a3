// A small model with dropout and a small batch, for tests of losses.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "dragoman/data/batch.h"
#include "dragoman/modules/transformer.h"

namespace dragoman_test {

/// 1 + 1 layers, width 16, vocabularies of 20, dropout 0.3, in training mode; always the same.
inline dragoman::Transformer dropping_model(bool copies) {
  dragoman::ModelConfig config;
  config.encoder = {.layers = 1, .dim = 16, .heads = 2, .feed_forward = 32};
  config.decoder = config.encoder;
  config.dropout = 0.3;
  config.copy_head.enabled = copies;
  config.source_vocabulary = config.target_vocabulary = 20;
  at::manual_seed(7);
  dragoman::Transformer model(config);
  model->train();
  return model;
}

/// Two pairs of different lengths; when words are copied, source word 17 and the last target word
/// are one word of no vocabulary.
inline dragoman::Batch uneven_batch(bool copies) {
  std::vector<dragoman::Example> pairs = {{.source = {4, 5, 6, 7}, .target = {7, 8}},
                                          {.source = {9, 17}, .target = {11, 9, 13, 14}}};
  dragoman::SpecialIds ids;
  ids.target_vocabulary = 20;
  ids.copies = copies;
  if (copies) {
    pairs[0].copy_ids = {4, 5, 6, 7};
    pairs[1].copy_ids = {9, 20};
    pairs[1].target[3] = 20;
  }
  return dragoman::collate(pairs, ids);
}

}  // namespace dragoman_test
