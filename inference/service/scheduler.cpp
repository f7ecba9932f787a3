#include "dragoman/inference/service/scheduler.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_set>
#include <utility>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

using Clock = std::chrono::steady_clock;

struct EarlierDeadline {
  bool operator()(const std::shared_ptr<ScheduledRequest>& one,
                  const std::shared_ptr<ScheduledRequest>& other) const {
    return std::pair(one->traits().deadline, one.get()) <
           std::pair(other->traits().deadline, other.get());
  }
};

std::exception_ptr too_late() {
  return std::make_exception_ptr(DeadlineError(
      "request: its time was over before its answer was there. Allow more time (timeout_ms), or "
      "send fewer requests at a time."));
}

std::exception_ptr shut_down() {
  return std::make_exception_ptr(
      UnavailableError("request: the translator is being shut down. Send it elsewhere."));
}

}  // namespace

/// Shared with the work that was posted, and weakly with requests, which may outlive the scheduler.
/// Members named ..._locked want the lock.
struct SchedulerState : std::enable_shared_from_this<SchedulerState> {
  SchedulerState(const SchedulerOptions& given, Scheduler::Compute computer, Scheduler::Post poster)
      : options(given),
        compute(std::move(computer)),
        post(std::move(poster)),
        queue(given.queue, given.batch_size) {}

  void submit(const std::shared_ptr<ScheduledRequest>& request);
  void forget(ScheduledRequest& request);
  void shutdown(Shutdown mode);
  void watch_time();
  void stop_watching();

 private:
  bool wait_for_room(std::unique_lock<std::mutex>& lock, const RequestTraits& traits);
  void dispatch_locked();
  void work();
  void compute_all(const RequestBatch& batch);
  std::exception_ptr compute_some(const RequestBatch& batch);
  RequestBatch take_late_locked();
  [[nodiscard]] SteadyTime next_event_locked() const;
  [[nodiscard]] bool is_idle_locked() const {
    return posted == 0 && answering == 0 && queue.empty();
  }

  const SchedulerOptions options;
  const Scheduler::Compute compute;
  const Scheduler::Post post;

  std::mutex mutex;
  std::condition_variable room;   ///< in the queue
  std::condition_variable idle;   ///< nothing waits, nothing is computed
  std::condition_variable alarm;  ///< something may happen earlier than the watch expects
  RequestQueue queue;
  std::set<std::shared_ptr<ScheduledRequest>, EarlierDeadline> limited;  ///< those with a deadline
  std::unordered_set<std::shared_ptr<ScheduledRequest>> computing;
  std::int64_t posted = 0;     ///< pieces of work that have not ended
  std::int64_t answering = 0;  ///< the watch is telling some that they are late
  bool is_closed = false;
  bool is_over = false;
};

// --- requests ---

void ScheduledRequest::succeed() noexcept {
  if (claim()) answer(nullptr);
}

void ScheduledRequest::fail(const std::exception_ptr& error) noexcept {
  if (claim()) answer(error);
}

void ScheduledRequest::cancel() noexcept {
  if (!claim()) return;
  if (const auto scheduler = scheduler_.lock()) scheduler->forget(*this);
  answer(std::make_exception_ptr(CancelledError("request: was cancelled by its caller.")));
}

// --- the queue's two ends ---

void SchedulerState::submit(const std::shared_ptr<ScheduledRequest>& request) {
  request->scheduler_ = weak_from_this();
  {
    std::unique_lock lock(mutex);
    if (wait_for_room(lock, request->traits())) {
      if (is_closed) std::rethrow_exception(shut_down());
      queue.add(request, Clock::now());
      if (request->traits().deadline != SteadyTime::max()) {
        limited.insert(request);
        if (*limited.begin() == request) alarm.notify_one();
      }
      dispatch_locked();
      return;
    }
  }
  request->fail(too_late());
}

/// False: the deadline came first.
bool SchedulerState::wait_for_room(std::unique_lock<std::mutex>& lock,
                                   const RequestTraits& traits) {
  const auto may_go_on = [this] { return is_closed || !queue.is_full(); };
  if (traits.deadline <= Clock::now()) return false;
  if (may_go_on()) return true;
  if (options.queue.when_full == WhenFull::refuse)
    throw UnavailableError(
        "request: the queue is full (queue.capacity: " + std::to_string(options.queue.capacity) +
        "). Send it later, or let requests wait (queue.when_full).");
  if (traits.deadline != SteadyTime::max())
    return room.wait_until(lock, traits.deadline, may_go_on);
  room.wait(lock, may_go_on);
  return true;
}

/// Has one more worker look for a batch, if there is one to compute and a worker to do it.
void SchedulerState::dispatch_locked() {
  if (posted >= options.workers || queue.empty()) return;
  const SteadyTime now = Clock::now();
  if (!is_closed && queue.due(now) > now) {
    alarm.notify_one();
    return;
  }
  post([self = shared_from_this()] { self->work(); });
  ++posted;
}

/// One batch a time, so that others who post to the same workers get their turns.
void SchedulerState::work() {
  RequestBatch batch;
  {
    const std::lock_guard lock(mutex);
    // Another worker may have taken what this one was called for, and the rest is not due.
    const SteadyTime now = Clock::now();
    if (!queue.empty() && (is_closed || queue.due(now) <= now)) batch = queue.take(now);
    computing.insert(batch.begin(), batch.end());
    dispatch_locked();
  }
  if (!batch.empty()) {
    room.notify_all();
    compute_all(batch);
  }
  const std::lock_guard lock(mutex);
  for (const auto& request : batch) {
    computing.erase(request);
    limited.erase(request);
  }
  --posted;
  dispatch_locked();
  if (is_idle_locked()) idle.notify_all();
}

void SchedulerState::compute_all(const RequestBatch& batch) {
  const std::exception_ptr error = compute_some(batch);
  if (!error) return;
  if (batch.size() == 1) {
    batch.front()->fail(error);
    return;
  }
  // One of them may have made all fail, by its text or by its memory: each gets a second chance,
  // alone, and only who fails again fails.
  for (const auto& request : batch)
    if (!request->is_answered())
      if (const std::exception_ptr own = compute_some({request})) request->fail(own);
}

std::exception_ptr SchedulerState::compute_some(const RequestBatch& batch) {
  try {
    compute(batch);
  } catch (...) {
    return std::current_exception();
  }
  for (const auto& request : batch)
    request->succeed();
  return nullptr;
}

/// `request` has just been answered by its caller.
void SchedulerState::forget(ScheduledRequest& request) {
  const std::lock_guard lock(mutex);
  limited.erase(request.shared_from_this());
  if (!queue.remove(request)) return;
  room.notify_one();
  if (is_idle_locked()) idle.notify_all();
}

// --- time ---

void SchedulerState::watch_time() {
  std::unique_lock lock(mutex);
  while (!is_over) {
    const RequestBatch late = take_late_locked();
    if (!late.empty()) {
      lock.unlock();
      for (const auto& request : late)
        request->fail(too_late());
      lock.lock();
      --answering;
      if (is_idle_locked()) idle.notify_all();
      continue;
    }
    dispatch_locked();
    const SteadyTime next = next_event_locked();
    if (next == SteadyTime::max()) {
      alarm.wait(lock);
    } else {
      alarm.wait_until(lock, next);
    }
  }
}

/// Also those that are being computed: they are answered now, and leave their batch at its next
/// step.
RequestBatch SchedulerState::take_late_locked() {
  RequestBatch late;
  const SteadyTime now = Clock::now();
  while (!limited.empty() && (*limited.begin())->traits().deadline <= now) {
    late.push_back(*limited.begin());
    limited.erase(limited.begin());
    queue.remove(*late.back());
  }
  if (late.empty()) return late;
  room.notify_all();
  ++answering;
  return late;
}

SteadyTime SchedulerState::next_event_locked() const {
  SteadyTime next = limited.empty() ? SteadyTime::max() : (*limited.begin())->traits().deadline;
  if (!queue.empty() && posted < options.workers) next = std::min(next, queue.due(Clock::now()));
  return next;
}

void SchedulerState::stop_watching() {
  const std::lock_guard lock(mutex);
  is_over = true;
  alarm.notify_all();
}

// --- the end ---

void SchedulerState::shutdown(Shutdown mode) {
  RequestBatch failing;
  std::unique_lock lock(mutex);
  is_closed = true;
  room.notify_all();
  if (mode == Shutdown::fail) {
    failing = queue.take_all();
    failing.insert(failing.end(), computing.begin(), computing.end());
    for (const auto& request : failing)
      limited.erase(request);
  }
  // More than one may have waited for company, which does not come any more.
  for (std::int64_t worker = 0; worker < options.workers; ++worker)
    dispatch_locked();
  lock.unlock();
  for (const auto& request : failing)
    request->fail(shut_down());
  lock.lock();
  idle.wait(lock, [this] { return is_idle_locked(); });
}

Scheduler::Scheduler(const SchedulerOptions& options, Compute compute, Post post)
    : state_(std::make_shared<SchedulerState>(options, std::move(compute), std::move(post))) {
  try {
    watch_ = std::thread([state = state_] { state->watch_time(); });
  } catch (const std::system_error& error) {
    throw SystemError(std::string("threads: the system gives none for the queue (") + error.what() +
                      "). Use fewer threads.");
  }
}

Scheduler::~Scheduler() {
  shutdown(Shutdown::finish);
  state_->stop_watching();
  watch_.join();
}

void Scheduler::submit(const std::shared_ptr<ScheduledRequest>& request) {
  state_->submit(request);
}

void Scheduler::shutdown(Shutdown mode) {
  state_->shutdown(mode);
}

}  // namespace dragoman
