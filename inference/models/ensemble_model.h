// Several models that decide together, as one StepModel: search, scoring and provenance need not
// know. Plain models and models with a copy head may be mixed.
#pragma once

#include <memory>
#include <vector>

#include "dragoman/inference/models/step_model.h"
#include "dragoman/inference/translator.h"

namespace dragoman {

class EnsembleModel final : public StepModel {
 public:
  /// All of one vocabulary, on one device. Throws UsageError.
  explicit EnsembleModel(std::vector<std::unique_ptr<StepModel>> models,
                         const EnsembleOptions& options = {});

  std::unique_ptr<StepState> start(const SourceBatch& source) const override;
  at::Tensor step(const at::Tensor& next, StepState& state) const override;
  void reorder(StepState& state, const at::Tensor& rows,
               const at::Tensor& sentences) const override;
  /// `copied` and `positions` come from the models that copy.
  TokenScores score(const SourceBatch& source, const at::Tensor& input,
                    const at::Tensor& output) const override;
  std::int64_t vocabulary_size() const override { return models_.front()->vocabulary_size(); }
  at::Device device() const override { return models_.front()->device(); }
  bool copies() const override;
  std::int64_t max_positions() const override;
  /// Those that all models have.
  std::int64_t attention_layers() const override;
  /// The weighted mean of the models'.
  at::Tensor attention(const StepState& state) const override;

 private:
  struct State;

  /// `tokens` as model `index` can read them.
  [[nodiscard]] at::Tensor readable(std::size_t index, const at::Tensor& tokens,
                                    std::int64_t unknown) const;

  std::vector<std::unique_ptr<StepModel>> models_;
  Ensembling ensembling_;
  std::vector<double> log_weights_;
};

}  // namespace dragoman
