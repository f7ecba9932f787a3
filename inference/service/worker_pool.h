// Threads that compute for all callers of one model. Each uses one core and records no gradients;
// several workers with one core each are faster than one with several.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace dragoman {

class WorkerPool {
 public:
  /// Starts the workers. Throws SystemError when the system gives no threads.
  /// `intra_op`: threads that each may use in LibTorch's operators.
  explicit WorkerPool(std::int64_t threads, std::int64_t intra_op = 1);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// The number of the calling thread among the workers of its pool; -1: it is none.
  [[nodiscard]] static std::int64_t worker();

  /// Calls task(0) ... task(count - 1) on the workers and returns when all are done. After the
  /// first exception no further task is begun, and it is thrown here. Callers may share a pool;
  /// they take turns, one task each.
  void run(std::int64_t count, const std::function<void(std::int64_t)>& task);
  /// Has a worker call `task`, which must not throw, when its turn comes; returns at once. The
  /// destructor waits for it.
  void post(std::function<void()> task);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dragoman
