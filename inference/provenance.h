// Which parts of a translation were copied, and from where.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "dragoman/data/pair_encoder.h"
#include "dragoman/inference/models/step_model.h"
#include "dragoman/inference/search/hypotheses.h"
#include "dragoman/inference/translator.h"

namespace dragoman {

/// A text with what the encoder made of it.
struct SourceText {
  const std::string& text;
  const EncodedSource& encoded;
};

/// Fills the provenance of hypothesis number `rank` of each sentence of `batch` that has so many,
/// in one pass of the decoder, which must be that of a model that copies. `results` already hold
/// the texts of `found`.
void trace_copies(const StepModel& model, const PairEncoder& encoder, const SourceBatch& batch,
                  std::size_t rank, std::span<const std::vector<IdHypothesis>> found,
                  std::span<const SourceText> sources, std::span<Translation* const> results);

}  // namespace dragoman
