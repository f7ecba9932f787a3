// A Transformer as a StepModel of its own on the CPU: packed weights (float, bfloat16 or eight-bit
// integers), no padding, hypotheses that find their past through a table. The fastest way to decode
// on a CPU; native_model.h serves other devices and models that are being trained.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "dragoman/inference/engine/network.h"
#include "dragoman/inference/engine/workspace.h"
#include "dragoman/inference/models/step_model.h"

namespace dragoman {

struct CopyRow;
class Shortlist;
class Transformer;

/// Thread-safe. Each batch computes in the caller's thread and, with threads_per_batch above 1, in
/// others beside it.
class CpuModel final : public StepModel {
 public:
  /// Copies the weights of `model`, which must be float on the CPU. With a shortlist of the model's
  /// vocabularies searches generate only the words that it has for the sources of a batch, and
  /// SourceBatch::needed; scoring knows all words.
  CpuModel(const Transformer& model, engine::WeightType type,
           std::shared_ptr<const Shortlist> shortlist = nullptr,
           std::int64_t threads_per_batch = 1);

  std::unique_ptr<StepState> start(const SourceBatch& source) const override;
  at::Tensor step(const at::Tensor& next, StepState& state) const override;
  void reorder(StepState& state, const at::Tensor& rows,
               const at::Tensor& sentences) const override;
  std::int64_t vocabulary_size() const override;
  at::Device device() const override;
  Candidates step_candidates(const at::Tensor& next, StepState& state,
                             const CandidateRequest& request) const override;
  /// In one pass of the decoder.
  TokenScores score(const SourceBatch& source, const at::Tensor& input,
                    const at::Tensor& output) const override;
  bool copies() const override { return network_.pointer.has_value(); }
  std::int64_t max_positions() const override;
  std::int64_t attention_layers() const override;
  at::Tensor attention(const StepState& state) const override;

 private:
  struct State;
  struct Last;
  /// Of each sentence, under a shortlist.
  [[nodiscard]] std::vector<std::vector<std::int64_t>> candidates(const SourceBatch& source) const;
  /// Under a shortlist: the best words of `row` and its log_sum, from its logits.
  void best_generated(State& state, const CandidateRequest& request, std::int64_t row,
                      CopyRow& copying, Candidates& best) const;
  [[nodiscard]] std::unique_ptr<State> begin(const SourceBatch& source) const;
  /// After all of `next` [R, T].
  [[nodiscard]] Last decode(const at::Tensor& next, State& state) const;
  [[nodiscard]] std::unique_ptr<engine::Workspace> take_workspace() const;
  void give_back(std::unique_ptr<engine::Workspace> workspace) const;

  engine::Network network_;
  std::shared_ptr<const Shortlist> shortlist_;
  std::int64_t threads_per_batch_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<engine::Workspace>> unused_;
};

}  // namespace dragoman
