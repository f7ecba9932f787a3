// What callers ask outputs to hold, from text to token ids.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dragoman/data/pair_encoder.h"
#include "dragoman/inference/decoding_options.h"
#include "dragoman/inference/demands.h"
#include "dragoman/inference/translator.h"

namespace dragoman {

/// Of all `sources`, one sentence each; `own`: one per source, or empty. Words of the sources that
/// no vocabulary holds may be part of prefixes and constraints when the encoder has a copy head.
/// `max_positions` is the model's. Throws UsageError for what the target vocabulary cannot spell,
/// for prefixes longer than an output may be, and for what contradicts other options.
[[nodiscard]] SearchDemands encode_demands(const PairEncoder& encoder,
                                           std::span<const EncodedSource> sources,
                                           const DecodingOptions& options,
                                           std::span<const TextOptions> own,
                                           std::int64_t max_positions);

/// The phrases that do not stand in `output` as whole words, as text.
[[nodiscard]] std::vector<std::string> unmet_constraints(
    const PairEncoder& encoder, const EncodedSource& source,
    std::span<const std::vector<std::int64_t>> phrases, const std::string& output);

}  // namespace dragoman
