#include "dragoman/inference/native_model.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "dragoman/modules/masks.h"

namespace dragoman {
namespace {

/// Positions whose vocabulary-sized rows are in memory at once while scoring.
constexpr std::int64_t kScoredTogether = 1024;

struct NativeState final : StepState {
  explicit NativeState(DecoderState state) : decoder(std::move(state)) {}
  DecoderState decoder;
};

DecoderState& decoder_state(StepState& state) {
  return static_cast<NativeState&>(state).decoder;
}

}  // namespace

NativeModel::NativeModel(Transformer model)
    : model_(model.ptr()), device_(model_->parameters().front().device()) {}

std::unique_ptr<StepState> NativeModel::start(const SourceBatch& source) const {
  const at::Tensor mask = padding_mask(source.lengths, source.ids.size(1));  // [B, S]
  return std::make_unique<NativeState>(
      model_->start(model_->encode(source.ids, mask), mask, /*keep_self=*/true));
}

at::Tensor NativeModel::last_hidden(const at::Tensor& next, StepState& state) const {
  return model_->decode(next, decoder_state(state)).select(1, next.size(1) - 1);  // [R, D]
}

at::Tensor NativeModel::step(const at::Tensor& next, StepState& state) const {
  return model_->head()->log_probs(last_hidden(next, state));
}

Candidates NativeModel::step_candidates(const at::Tensor& next, StepState& state,
                                        const CandidateRequest& request) const {
  return best_of_rows(model_->head()->logits(last_hidden(next, state)), Scores::logits, request);
}

void NativeModel::reorder(StepState& state, const at::Tensor& rows,
                          const at::Tensor& sentences) const {
  decoder_state(state).reorder(rows);
  if (sentences.defined()) decoder_state(state).keep_sentences(sentences);
}

std::int64_t NativeModel::vocabulary_size() const {
  return model_->config().target_vocabulary;
}

std::int64_t NativeModel::max_positions() const {
  const bool is_limited = model_->config().positions == PositionKind::learned;
  return is_limited ? model_->config().max_positions : StepModel::max_positions();
}

at::Tensor NativeModel::score(const SourceBatch& source, const at::Tensor& input,
                              const at::Tensor& output) const {
  const at::Tensor mask = padding_mask(source.lengths, source.ids.size(1));  // [B, S]
  DecoderState state = model_->start(model_->encode(source.ids, mask), mask, /*keep_self=*/false);
  const at::Tensor hidden = model_->decode(input, state).flatten(0, 1);  // [B * T, D]
  const at::Tensor targets = output.reshape({-1, 1});                    // [B * T, 1]
  std::vector<at::Tensor> scores;
  for (std::int64_t start = 0; start < hidden.size(0); start += kScoredTogether) {
    const std::int64_t count = std::min(kScoredTogether, hidden.size(0) - start);
    scores.push_back(model_->head()
                         ->log_probs(hidden.narrow(0, start, count))
                         .gather(1, targets.narrow(0, start, count)));  // [count, 1]
  }
  return at::cat(scores).view(output.sizes());  // [B, T]
}

}  // namespace dragoman
