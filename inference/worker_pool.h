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
  explicit WorkerPool(std::int64_t threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Calls task(0) ... task(count - 1) on the workers and returns when all are done. After the
  /// first exception no further task is begun, and it is thrown here. Callers may share a pool;
  /// their tasks are taken in the order of the calls.
  void run(std::int64_t count, const std::function<void(std::int64_t)>& task);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dragoman
