// A TorchScript module that somebody else wrote, as a StepModel. Its contract
// (docs/torchscript.md):
//
//   encode(ids: Tensor, mask: Tensor) -> List[Tensor]
//   step(last: Tensor, state: List[Tensor]) -> Tuple[Tensor, List[Tensor]]
//
// with ids [B, S] int64 and mask [B, S] bool (true: a token), a state of tensors whose axis 0 are
// rows, last [R] int64, and log-probabilities [R, V] of what follows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dragoman/inference/models/step_model.h"

namespace dragoman {

struct ScriptedModelOptions {
  std::int64_t source_vocabulary = 0;
  std::int64_t target_vocabulary = 0;
  std::int64_t begin = 2;          ///< what a target begins with
  std::int64_t max_positions = 0;  ///< most tokens of a source or a target; 0: no limit
};

/// Thread-safe: all threads share the module, which must not change while it runs.
class ScriptedModel final : public StepModel {
 public:
  /// Loads the archive and RUNS ITS CODE: calls both methods with batches of several sizes, so that
  /// later calls are fast and what does not keep the contract is found now. Throws ModelError that
  /// names the method, the argument or result, and what it should be.
  ScriptedModel(const std::string& path, at::Device device, const ScriptedModelOptions& options);
  ~ScriptedModel() override;

  std::unique_ptr<StepState> start(const SourceBatch& source) const override;
  /// One call of the module's step for each of the T tokens.
  at::Tensor step(const at::Tensor& next, StepState& state) const override;
  void reorder(StepState& state, const at::Tensor& rows,
               const at::Tensor& sentences) const override;
  std::int64_t vocabulary_size() const override { return options_.target_vocabulary; }
  at::Device device() const override { return device_; }
  std::int64_t max_positions() const override;

 private:
  struct Script;
  struct State;
  void warm_up() const;

  std::string path_;
  at::Device device_;
  ScriptedModelOptions options_;
  std::unique_ptr<Script> script_;
};

}  // namespace dragoman
