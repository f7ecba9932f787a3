// Whether the protected spans of a source came out as they should.
#pragma once

#include <string>

#include "dragoman/data/pair_encoder.h"
#include "dragoman/inference/translator.h"

namespace dragoman {

/// Compares what the encoder's patterns find on both sides, by text alone: it knows nothing of how
/// the output was made.
[[nodiscard]] Protection check_protection(const PairEncoder& encoder, const std::string& source,
                                          const std::string& output);

}  // namespace dragoman
