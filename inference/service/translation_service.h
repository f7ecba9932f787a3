// Translation for many threads: their requests are batched by a Scheduler and computed by the
// workers of a pool.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "dragoman/data/pair_encoder.h"
#include "dragoman/inference/models/step_model.h"
#include "dragoman/inference/service/scheduler.h"
#include "dragoman/inference/service/translation_request.h"
#include "dragoman/inference/service/worker_pool.h"

namespace dragoman {

class TranslationService {
 public:
  /// Computes options.workers batches at a time. Model and pool must outlive the service.
  TranslationService(const StepModel& model, const PairEncoder& encoder,
                     const SchedulerOptions& options, WorkerPool& pool);

  /// As Translator::submit. `streams`: next_prefix() is of use.
  [[nodiscard]] std::shared_ptr<TranslationRequest> submit(std::string text,
                                                           const DecodingOptions& decoding,
                                                           const RequestOptions& options,
                                                           std::function<void()> on_ready,
                                                           bool streams = false);
  /// As Translator::translate_stream.
  Translation stream(std::string text, const DecodingOptions& decoding,
                     const std::function<bool(std::string_view)>& on_text,
                     const RequestOptions& options);
  void shutdown(Shutdown mode) { scheduler_.shutdown(mode); }

 private:
  [[nodiscard]] std::shared_ptr<const DecodingPlan> plan(const DecodingOptions& decoding);
  void compute(const RequestBatch& batch) const;

  const StepModel& model_;
  const PairEncoder encoder_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const DecodingPlan>> plans_;  ///< by their options, as JSON
  std::uint64_t kinds_ = 0;
  Scheduler scheduler_;  ///< last: its end waits for computations
};

}  // namespace dragoman
