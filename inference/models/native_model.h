// A Transformer as a StepModel. Keys and values of earlier steps are kept; a source is never
// repeated per hypothesis.
#pragma once

#include <memory>

#include "dragoman/inference/models/step_model.h"
#include "dragoman/modules/transformer.h"

namespace dragoman {

/// Thread-safe as long as nobody changes the model, which must be in evaluation mode.
class NativeModel final : public StepModel {
 public:
  explicit NativeModel(Transformer model);

  std::unique_ptr<StepState> start(const SourceBatch& source) const override;
  at::Tensor step(const at::Tensor& next, StepState& state) const override;
  void reorder(StepState& state, const at::Tensor& rows,
               const at::Tensor& sentences) const override;
  std::int64_t vocabulary_size() const override;
  at::Device device() const override { return device_; }
  Candidates step_candidates(const at::Tensor& next, StepState& state,
                             const CandidateRequest& request) const override;
  /// In one pass of the decoder.
  TokenScores score(const SourceBatch& source, const at::Tensor& input,
                    const at::Tensor& output) const override;
  bool copies() const override { return !model_->copy_head().is_empty(); }
  std::int64_t max_positions() const override;
  std::int64_t attention_layers() const override;
  at::Tensor attention(const StepState& state) const override;

 private:
  struct Last;
  /// The decoder after the last of `next`.
  [[nodiscard]] Last decode(const at::Tensor& next, StepState& state) const;
  [[nodiscard]] at::Tensor word_log_probs(const at::Tensor& hidden, const at::Tensor& words) const;

  std::shared_ptr<TransformerImpl> model_;
  at::Device device_;
};

}  // namespace dragoman
