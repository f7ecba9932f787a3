// A batch whose sources hold words of no vocabulary, and what a search has found as the targets of
// scoring.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "dragoman/inference/search/hypotheses.h"
#include "tests/inference/fake_model.h"
#include "tests/inference/tiny_model.h"

namespace dragoman_test {

inline constexpr std::int64_t kCopyingWords = 150;

inline dragoman::ModelConfig copying_config(std::int64_t vocabulary, bool coverage = false) {
  dragoman::ModelConfig config = tiny_config(vocabulary);
  config.copy_head.enabled = true;
  config.copy_head.coverage = coverage;
  return config;
}

/// Four sentences of different lengths; <unk> yields extra words, some twice.
inline dragoman::SourceBatch copying_batch() {
  dragoman::SourceBatch batch =
      batch_of({{10, 1, 12, 1, 14}, {20, 20, 1}, {1, 1, 32, 33, 34, 35}, {40}});
  batch.copy_ids = batch.ids.clone();
  std::int64_t extra = 0;
  for (std::int64_t row = 0; row < batch.ids.size(0); ++row)
    for (std::int64_t place = 0; place < batch.ids.size(1); ++place) {
      if (place >= batch.lengths[row].item<std::int64_t>()) batch.copy_ids[row][place] = -2;
      if (batch.ids[row][place].item<std::int64_t>() == 1)
        batch.copy_ids[row][place] = kCopyingWords + extra++ % 2;
    }
  batch.extra_words = 2;
  return batch;
}

/// The best hypotheses as what the decoder reads and what follows it, [B, T] each.
inline std::pair<at::Tensor, at::Tensor> as_targets(
    const std::vector<std::vector<dragoman::IdHypothesis>>& found) {
  std::int64_t longest = 0;
  for (const auto& hypotheses : found)
    longest = std::max(longest, std::ssize(hypotheses.front().ids) + 1);
  at::Tensor input = at::zeros({std::ssize(found), longest}, at::kLong);
  at::Tensor output = at::zeros({std::ssize(found), longest}, at::kLong);
  for (std::int64_t row = 0; row < std::ssize(found); ++row) {
    const auto& ids = found[static_cast<std::size_t>(row)].front().ids;
    input[row][0] = 2;
    output[row][std::ssize(ids)] = 3;
    for (std::int64_t place = 0; place < std::ssize(ids); ++place) {
      output[row][place] = ids[static_cast<std::size_t>(place)];
      input[row][place + 1] = ids[static_cast<std::size_t>(place)];
    }
  }
  return {input, output};
}

}  // namespace dragoman_test
