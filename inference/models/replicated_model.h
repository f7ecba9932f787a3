// One model on several devices, or several times on one: each worker computes with the replica of
// its own number, modulo how many there are.
#pragma once

#include <memory>
#include <vector>

#include "dragoman/inference/models/step_model.h"

namespace dragoman {

class ReplicatedModel final : public StepModel {
 public:
  /// At least one, all of the same weights.
  explicit ReplicatedModel(std::vector<std::unique_ptr<StepModel>> replicas);

  /// A state stays with the replica that it began on.
  [[nodiscard]] std::unique_ptr<StepState> start(const SourceBatch& source) const override;
  [[nodiscard]] at::Tensor step(const at::Tensor& next, StepState& state) const override;
  void reorder(StepState& state, const at::Tensor& rows,
               const at::Tensor& sentences) const override;
  [[nodiscard]] std::int64_t vocabulary_size() const override;
  /// That of the calling worker's replica.
  [[nodiscard]] at::Device device() const override;
  [[nodiscard]] bool copies() const override;
  [[nodiscard]] Candidates step_candidates(const at::Tensor& next, StepState& state,
                                           const CandidateRequest& request) const override;
  [[nodiscard]] std::int64_t attention_layers() const override;
  [[nodiscard]] at::Tensor attention(const StepState& state) const override;
  [[nodiscard]] TokenScores score(const SourceBatch& source, const at::Tensor& input,
                                  const at::Tensor& output) const override;
  [[nodiscard]] std::int64_t max_positions() const override;

 private:
  [[nodiscard]] const StepModel& mine() const;
  std::vector<std::unique_ptr<StepModel>> replicas_;
};

}  // namespace dragoman
