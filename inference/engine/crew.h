// Threads that share the products of one batch, for the shortest time to an answer. Between two
// products, which are microseconds apart, they spin; when none comes for long they sleep. What they
// have not begun the caller does itself, so that on a busy machine it rarely waits for a thread
// that has no core.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace dragoman::engine {

class Crew {
 public:
  /// `size` - 1 threads beside the caller's. Throws std::system_error.
  explicit Crew(std::int64_t size);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  [[nodiscard]] std::int64_t size() const { return std::ssize(threads_) + 1; }

  /// work(part) for each part 0 to size - 1, in any thread and order; returns when all are done.
  /// `work` must not throw. From one thread at a time.
  template <class Work>
  void run(const Work& work) {
    run([](const void* context, std::int64_t part) { (*static_cast<const Work*>(context))(part); },
        &work);
  }

 private:
  using Function = void (*)(const void* context, std::int64_t part);
  void run(Function function, const void* context);
  bool do_next_part();
  void serve();
  void stop();

  Function function_ = nullptr;
  const void* context_ = nullptr;
  std::atomic<std::uint32_t> next_ = 0;  ///< the first part that nobody has taken
  std::atomic<std::uint32_t> done_ = 0;  ///< parts
  std::atomic<std::uint32_t> task_ = 0;  ///< counts the tasks; its change begins one
  std::atomic<std::int64_t> asleep_ = 0;
  std::atomic<bool> is_stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dragoman::engine
