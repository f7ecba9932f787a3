// A request as the scheduler sees it: what decides its place in the queue, and the one moment at
// which it is answered. Whoever comes first answers it: the worker that computed it, its deadline,
// its caller who cancels, or a shutdown; what the others bring later is dropped.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>

namespace dragoman {

using SteadyTime = std::chrono::steady_clock::time_point;

struct RequestTraits {
  std::int64_t length = 1;  ///< source tokens
  std::uint64_t kind = 0;   ///< only requests of one kind share a batch
  std::int64_t priority = 0;
  SteadyTime deadline = SteadyTime::max();  ///< max: none
};

struct SchedulerState;

class ScheduledRequest : public std::enable_shared_from_this<ScheduledRequest> {
 public:
  explicit ScheduledRequest(const RequestTraits& traits) : traits_(traits) {}
  virtual ~ScheduledRequest() = default;
  ScheduledRequest(const ScheduledRequest&) = delete;
  ScheduledRequest& operator=(const ScheduledRequest&) = delete;

  [[nodiscard]] const RequestTraits& traits() const { return traits_; }
  /// True: computing it is in vain.
  [[nodiscard]] bool is_answered() const noexcept { return is_answered_.load(); }
  /// Call only once its result is there.
  void succeed() noexcept;
  void fail(const std::exception_ptr& error) noexcept;
  /// Fails with CancelledError and gives its place in the queue away. For all threads at any time.
  void cancel() noexcept;

 private:
  friend struct SchedulerState;
  /// Null: its result is there. Called once, on any thread, without any lock of the scheduler.
  virtual void answer(const std::exception_ptr& error) noexcept = 0;
  [[nodiscard]] bool claim() noexcept { return !is_answered_.exchange(true); }

  const RequestTraits traits_;
  std::atomic<bool> is_answered_ = false;
  std::weak_ptr<SchedulerState> scheduler_;  ///< set before anybody else knows the request
};

}  // namespace dragoman
