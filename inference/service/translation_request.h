// One text on its way through the queue: what a worker needs to translate it, and where its caller
// waits.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dragoman/data/pair_encoder.h"
#include "dragoman/inference/decoding_options.h"
#include "dragoman/inference/demands.h"
#include "dragoman/inference/service/scheduled_request.h"
#include "dragoman/inference/translator.h"

namespace dragoman {

/// Checked options and what follows from them; requests with equal ones share it.
struct DecodingPlan {
  DecodingOptions options;
  PairEncoder encoder;
  std::uint64_t kind = 0;
};

class TranslationRequest final : public ScheduledRequest {
 public:
  struct Content {
    std::string text;
    EncodedSource source;
    SearchDemands demands;  ///< of one sentence
    Translation admitted;   ///< what is known of the result before the search
    bool streams = false;
    std::function<void()> on_ready;
  };
  TranslationRequest(std::shared_ptr<const DecodingPlan> plan, Content content,
                     const RequestTraits& traits);

  // --- for the worker ---
  [[nodiscard]] const DecodingPlan& plan() const { return *plan_; }
  [[nodiscard]] const Content& content() const { return content_; }
  [[nodiscard]] SteadyTime created() const { return created_; }
  /// Before succeed().
  void set_result(Translation result);
  [[nodiscard]] Translation& result() { return result_; }
  /// The output is sure to begin with `tokens`.
  void grow_prefix(std::span<const std::int64_t> tokens);

  // --- for the caller ---
  [[nodiscard]] bool wait_for(std::chrono::milliseconds time);
  /// Waits. Throws the error that the request failed with; UsageError the second time.
  [[nodiscard]] Translation take();
  /// Waits until the prefix has grown, or returns nothing when the answer is there.
  [[nodiscard]] std::optional<std::vector<std::int64_t>> next_prefix();

 private:
  void answer(const std::exception_ptr& error) noexcept override;

  const std::shared_ptr<const DecodingPlan> plan_;
  Content content_;
  const SteadyTime created_ = std::chrono::steady_clock::now();
  Translation result_;  ///< the worker's until the request is answered, then the caller's

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::int64_t> prefix_;
  std::size_t prefix_seen_ = 0;
  std::exception_ptr error_;
  bool is_ready_ = false;
  bool is_taken_ = false;
};

}  // namespace dragoman
