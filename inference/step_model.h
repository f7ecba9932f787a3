// All that search, sampling and scoring need from a model: encode once, then one log-probability row
// per hypothesis and step. Native modules, TorchScript modules, ensembles implement it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>

namespace dragoman {

/// Sources of B sentences.
struct SourceBatch {
  at::Tensor ids;      ///< [B, S] int64, each row ends with </s>, padded on the right
  at::Tensor lengths;  ///< [B] int64, </s> counted
};

/// What a model remembers between steps; each model has its own kind.
class StepState {
 public:
  virtual ~StepState() = default;
};

class StepModel {
 public:
  virtual ~StepModel() = default;
  /// Encodes; the state has one row per sentence.
  virtual std::unique_ptr<StepState> start(const SourceBatch& source) const = 0;
  /// next [R, T] int64: the next T >= 1 target tokens of each row (the first call begins with <s>)
  /// -> log-probabilities [R, V] float32 after the last of them.
  virtual at::Tensor step(const at::Tensor& next, StepState& state) const = 0;
  /// rows [R'] int64: the old row that each new row continues; sentences [B'] int64: the sentences
  /// that stay, in order (undefined: all). Rows are sentence-major, equally many per sentence.
  virtual void reorder(StepState& state, const at::Tensor& rows, const at::Tensor& sentences) const = 0;
  virtual std::int64_t vocabulary_size() const = 0;
  virtual at::Device device() const = 0;
};

}  // namespace dragoman
