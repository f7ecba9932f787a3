// Which parts of a translation were copied from where, and what its words are aligned to.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "dragoman/data/pair_encoder.h"
#include "dragoman/inference/decoding_options.h"
#include "dragoman/inference/models/step_model.h"
#include "dragoman/inference/search/hypotheses.h"
#include "dragoman/inference/translator.h"

namespace dragoman {

/// A text with what the encoder made of it.
struct SourceText {
  const std::string& text;
  const EncodedSource& encoded;
};

/// Whether outputs need a further pass of the decoder once they are found.
[[nodiscard]] bool wants_trace(const StepModel& model, const DecodingOptions& options);

/// Adds provenance and alignment, as the options say, to the hypotheses of each sentence of
/// `batch`, in one pass of the decoder for all that have the same rank. `results` already hold the
/// texts of `found`.
void trace_outputs(const StepModel& model, const PairEncoder& encoder, const SourceBatch& batch,
                   std::span<const std::vector<IdHypothesis>> found,
                   std::span<const SourceText> sources, const DecodingOptions& options,
                   std::span<Translation* const> results);

}  // namespace dragoman
