// log p(target | source) of given pairs, in one pass of the decoder per batch.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dragoman/inference/alignment.h"
#include "dragoman/inference/batch_translator.h"
#include "dragoman/inference/models/step_model.h"
#include "dragoman/inference/translator.h"

namespace dragoman {

struct ScoredTexts {
  std::span<const std::string> sources;
  std::span<const std::string> targets;
  AlignmentOptions alignment = {};
};

/// As many scores as pairs, in their order. Nothing is cut. Throws UsageError when the numbers of
/// texts differ, for texts that are not UTF-8, for pairs longer than the model can read, and for
/// options that it does not have.
[[nodiscard]] std::vector<Score> score_texts(const StepModel& model, const PairEncoder& encoder,
                                             const ScoredTexts& texts, std::int64_t batch_size,
                                             WorkerPool& workers);

}  // namespace dragoman
