// What a search tells a model between two steps.
#pragma once

#include <cstdint>
#include <vector>

#include "dragoman/inference/models/step_model.h"

namespace dragoman {

struct Reordering {
  std::vector<std::int64_t> tokens;     ///< [R'] the token that each new row adds
  std::vector<std::int64_t> rows;       ///< [R'] the old row that it continues
  std::vector<std::int64_t> sentences;  ///< [B'] old places of the sentences that stay
};

/// values -> [n] int64 on the model's device.
[[nodiscard]] at::Tensor to_device(const std::vector<std::int64_t>& values, const StepModel& model);

/// Does nothing when all rows of the `old_sentences` continue themselves.
void reorder(const StepModel& model, StepState& state, const Reordering& next,
             std::size_t old_sentences, std::int64_t rows_of_sentence);

}  // namespace dragoman
