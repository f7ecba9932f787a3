// Attention weights to links between tokens and between words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dragoman/data/pair_encoder.h"
#include "dragoman/data/text_range.h"
#include "dragoman/inference/alignment.h"
#include "dragoman/inference/decoding_options.h"
#include "dragoman/inference/models/step_model.h"

namespace dragoman {

/// Throws UsageError when `model` has no such layer.
void check_attention_layer(const StepModel& model, std::int64_t layer);
/// The same, if the options read any attention.
void check_attention(const StepModel& model, const DecodingOptions& options);

/// weights: of each target token one row, to each source token (</s> of neither side) -> sorted
/// links. Of equal weights the first counts.
[[nodiscard]] std::vector<AlignmentLink> link_tokens(std::span<const std::vector<float>> weights,
                                                     double threshold);

/// A pair that was scored with attention.
struct AlignedPair {
  std::string_view source_text;
  const EncodedSource& source;
  std::span<const std::int64_t> target;  ///< without </s>
};

/// attention [B, T, S] float32 on the CPU, contiguous; the pair is its row `row`.
[[nodiscard]] Alignment align_pair(const PairEncoder& encoder, const AlignedPair& pair,
                                   const at::Tensor& attention, std::size_t row,
                                   const AlignmentOptions& options);

}  // namespace dragoman
