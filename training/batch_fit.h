// data.batch_tokens "auto": budgets of tokens are tried out on the device, from small to large,
// with whole updates of the model on batches of the corpora's lengths and on the longest pairs that
// the filters let through.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "dragoman/data/batch.h"
#include "dragoman/data/data_config.h"
#include "dragoman/data/log.h"
#include "dragoman/modules/model_config.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/training/training_config.h"

namespace dragoman {

/// One budget, tried out.
struct BatchTrial {
  std::int64_t tokens = 0;         ///< data.batch_tokens
  std::int64_t memory = 0;         ///< bytes of training at most, weights and moments included
  double tokens_per_second = 0.0;  ///< target tokens; 0: not measured
  bool fits = true;                ///< into the memory of the device
};

struct BatchFit {
  BatchTrial chosen;
  std::vector<BatchTrial> trials;
  std::int64_t memory_limit = 0;  ///< bytes
};

/// The smallest budget within 3 % of the best speed, of those that stay below `memory_limit`:
/// greater batches than the speed asks for cost updates. Budgets double until one does not fit, or
/// two in a row bring less than 3 %. Throws UsageError when the smallest does not fit.
[[nodiscard]] BatchFit choose_batch_tokens(std::int64_t memory_limit,
                                           const std::function<BatchTrial(std::int64_t)>& run);

/// What budgets are tried out with.
struct FitSample {
  std::vector<Example> examples;  ///< of the corpora
  SpecialIds ids;
  Transformer teacher{nullptr};  ///< null: none
  std::int64_t processes = 1;    ///< of this run that share a machine, and its memory on CPUs
};

/// Tries on `sample`. On a GPU the allocator then holds the memory of the longest batch already.
/// The random generators move on: seed them afterwards. Throws UsageError.
[[nodiscard]] BatchFit fit_batch_tokens(const TrainingConfig& training, const ModelConfig& model,
                                        const DataConfig& data, const FitSample& sample);

void log_batch_fit(const BatchFit& fit, Log& log);

}  // namespace dragoman
