#include "dragoman/inference/search/reordering.h"

#include <ATen/ATen.h>

namespace dragoman {

at::Tensor to_device(const std::vector<std::int64_t>& values, const StepModel& model) {
  return at::tensor(values, at::kLong).to(model.device(), /*non_blocking=*/true);
}

void reorder(const StepModel& model, StepState& state, const Reordering& next,
             std::size_t old_sentences, std::int64_t rows_of_sentence) {
  const bool all_stay = next.sentences.size() == old_sentences;
  bool is_same = all_stay && next.rows.size() == old_sentences * rows_of_sentence;
  for (std::size_t row = 0; is_same && row < next.rows.size(); ++row)
    is_same = next.rows[row] == static_cast<std::int64_t>(row);
  if (is_same) return;
  model.reorder(state, to_device(next.rows, model),
                all_stay ? at::Tensor() : to_device(next.sentences, model));
}

}  // namespace dragoman
