#include "dragoman/inference/service/translation_request.h"

#include <utility>

#include "dragoman/data/error.h"

namespace dragoman {

TranslationRequest::TranslationRequest(std::shared_ptr<const DecodingPlan> plan, Content content,
                                       const RequestTraits& traits)
    : ScheduledRequest(traits), plan_(std::move(plan)), content_(std::move(content)) {}

void TranslationRequest::set_result(Translation result) {
  result_ = std::move(result);
}

void TranslationRequest::grow_prefix(std::span<const std::int64_t> tokens) {
  {
    const std::lock_guard lock(mutex_);
    if (tokens.size() <= prefix_.size()) return;  // computed a second time
    prefix_.assign(tokens.begin(), tokens.end());
  }
  changed_.notify_all();
}

bool TranslationRequest::wait_for(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [this] { return is_ready_; });
}

Translation TranslationRequest::take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_ready_; });
  if (is_taken_)
    throw UsageError("request: its answer was taken before. Keep what get() returned.");
  is_taken_ = true;
  if (error_) std::rethrow_exception(error_);
  return std::move(result_);
}

std::optional<std::vector<std::int64_t>> TranslationRequest::next_prefix() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_ready_ || prefix_.size() > prefix_seen_; });
  if (is_ready_) return std::nullopt;
  prefix_seen_ = prefix_.size();
  return prefix_;
}

void TranslationRequest::answer(const std::exception_ptr& error) noexcept {
  {
    const std::lock_guard lock(mutex_);
    error_ = error;
    is_ready_ = true;
  }
  changed_.notify_all();
  if (content_.on_ready) content_.on_ready();
  // What the callback holds may hold this request.
  content_.on_ready = nullptr;
}

}  // namespace dragoman
