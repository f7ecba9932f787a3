#include "dragoman/inference/models/step_model.h"

#include <ATen/ATen.h>

#include <vector>

namespace dragoman {

Candidates StepModel::step_candidates(const at::Tensor& next, StepState& state,
                                      const CandidateRequest& request) const {
  return best_of_rows(step(next, state), Scores::log_probs, request);
}

at::Tensor StepModel::attention(const StepState& /*state*/) const {
  TORCH_CHECK(false, "this model keeps no attention");
}

TokenScores StepModel::score(const SourceBatch& source, const at::Tensor& input,
                             const at::Tensor& output) const {
  const auto state = start(source);
  std::vector<at::Tensor> columns;
  for (std::int64_t position = 0; position < input.size(1); ++position) {
    const at::Tensor log_probs = step(input.narrow(1, position, 1), *state);  // [B, V]
    columns.push_back(log_probs.gather(1, output.narrow(1, position, 1)));    // [B, 1]
  }
  return {at::cat(columns, 1), {}, {}, {}};
}

}  // namespace dragoman
