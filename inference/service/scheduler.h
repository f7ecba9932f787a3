// Single requests of many threads become batches for few workers. Knows nothing of texts or models:
// it is told how a batch is computed and who computes it.
//
//   Scheduler scheduler(options, compute, [&pool](auto task) { pool.post(std::move(task)); });
//   scheduler.submit(request);   // request->answer(error) is called once, whatever happens
//
// No worker is kept waiting: work is posted when there is a batch to compute. One thread of its own
// watches deadlines and ends the wait for company.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "dragoman/inference/request_options.h"
#include "dragoman/inference/service/request_queue.h"
#include "dragoman/inference/service/scheduled_request.h"

namespace dragoman {

struct SchedulerOptions {
  QueueOptions queue = {};
  std::int64_t batch_size = 32;  ///< requests
  std::int64_t workers = 1;      ///< batches computed at a time
};

class Scheduler {
 public:
  /// Computes the results of all requests that are not answered yet, on several threads at once; it
  /// may let some succeed before it returns, the others succeed then. When it throws for several
  /// requests, it is called for each alone.
  using Compute = std::function<void(const RequestBatch&)>;
  /// Has its argument called on another thread, soon. Called with a lock held.
  using Post = std::function<void(std::function<void()>)>;

  /// Throws SystemError when the system gives no thread.
  Scheduler(const SchedulerOptions& options, Compute compute, Post post);
  /// Finishes every request.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Throws UnavailableError when the queue is full and options say so, or after shutdown; then the
  /// request is never answered. With the other option it waits for room; whose deadline comes first
  /// fails.
  void submit(const std::shared_ptr<ScheduledRequest>& request);

  /// Takes no further requests, and returns when every one is answered and no worker computes. Not
  /// from within an answer.
  void shutdown(Shutdown mode);

 private:
  std::shared_ptr<SchedulerState> state_;
  std::thread watch_;
};

}  // namespace dragoman
