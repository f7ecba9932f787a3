// Token ids of texts, and how they become batches for a model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/pair_encoder.h"
#include "dragoman/inference/models/step_model.h"
#include "dragoman/inference/search/beam_search.h"

namespace dragoman {

/// Throws UsageError, naming the text's index in `what` ("sources[3]"), unless all are UTF-8.
void check_texts(std::span<const std::string> texts, std::string_view what);

/// Cuts `order` into batches of `batch_size` after sorting it by `lengths`, longest first (equal
/// ones stay in order): little padding, and the long batches do not come last.
[[nodiscard]] std::vector<std::vector<std::int64_t>> batches_by_length(
    std::vector<std::int64_t> order, std::span<const std::int64_t> lengths,
    std::int64_t batch_size);

/// Rows of `sources` for `which`, each followed by </s> if the model wants it, padded on the right;
/// with copy ids when the encoder has a copy head.
[[nodiscard]] SourceBatch source_batch(std::span<const EncodedSource> sources,
                                       std::span<const std::int64_t> which,
                                       const PairEncoder& encoder, at::Device device);

/// Those of the target's tokeniser.
[[nodiscard]] TargetIds target_ids(const Tokenizer& tokenizer);

/// Target tokens as the decoder reads them and as it should continue them, padded on the right.
struct TargetBatch {
  at::Tensor input;   ///< [B, T] int64, begins with <s>; words of no vocabulary have their ids
  at::Tensor output;  ///< [B, T] int64, ends with </s>
};
[[nodiscard]] TargetBatch target_batch(std::span<const std::vector<std::int64_t>> targets,
                                       const PairEncoder& encoder, at::Device device);

}  // namespace dragoman
