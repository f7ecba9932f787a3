// Token ids of texts, and how they become batches for a model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/tokenizer.h"
#include "dragoman/inference/step_model.h"

namespace dragoman {

using Ids = std::vector<std::int32_t>;

/// Throws UsageError, naming the text's index in `what` ("sources[3]"), when it is not UTF-8.
[[nodiscard]] std::vector<Ids> encode_texts(const Tokenizer& tokenizer,
                                            std::span<const std::string> texts,
                                            std::string_view what);

/// Cuts `order` into batches of `batch_size` after sorting it by `lengths`, longest first (equal
/// ones stay in order): little padding, and the long batches do not come last.
[[nodiscard]] std::vector<std::vector<std::int64_t>> batches_by_length(
    std::vector<std::int64_t> order, std::span<const std::int64_t> lengths,
    std::int64_t batch_size);

/// Rows of `ids` for `which`, each followed by </s>, padded on the right.
[[nodiscard]] SourceBatch source_batch(std::span<const Ids> ids,
                                       std::span<const std::int64_t> which,
                                       const Tokenizer& tokenizer, at::Device device);

}  // namespace dragoman
