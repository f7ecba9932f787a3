// Guided alignment (Chen et al. 2016, "Guided alignment training for topic-aware neural machine
// translation"): the attention to the source is drawn towards given links between the tokens of
// both sides.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "dragoman/data/batch.h"
#include "dragoman/modules/transformer.h"

namespace dragoman {

struct GuidedAlignment {
  double weight = 0.0;     ///< 0: none
  std::int64_t layer = 0;  ///< see attention_layer_of: the mean of its heads, or the pointer
};

/// Has `state`, before the decoder runs, keep what alignment_loss reads.
void keep_attention(const ModelConfig& config, const GuidedAlignment& options, DecoderState& state);

/// The paper's cross-entropy: -sum over links (t, s) of log a_ts / (number of links of t), in nats,
/// [] float. a_ts is what target token t attends to source token s when it is predicted. Target
/// tokens without a link cost nothing. Zero when the batch has no links.
[[nodiscard]] at::Tensor alignment_loss(const ModelConfig& config, const GuidedAlignment& options,
                                        const Batch& batch, const DecoderState& state,
                                        const Pointing& pointing);

}  // namespace dragoman
