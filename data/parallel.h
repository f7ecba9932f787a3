// Work on independent items by several threads, for as long as one call takes.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace dragoman {

/// Calls `work(item)` for 0 .. `count` - 1, each once, on at most `threads` threads (one of them
/// the caller's). When items throw, the exception of the lowest one is thrown here after all have
/// ended.
template <typename Work>
void run_parallel(std::int64_t threads, std::size_t count, const Work& work) {
  std::vector<std::exception_ptr> failures(count);
  std::atomic<std::size_t> next = 0;
  const auto run = [&] {
    for (std::size_t item = next++; item < count; item = next++) {
      try {
        work(item);
      } catch (...) {
        failures[item] = std::current_exception();
      }
    }
  };
  {
    const auto helpers =
        std::min(static_cast<std::size_t>(std::max<std::int64_t>(threads, 1)), count);
    std::vector<std::jthread> pool;
    for (std::size_t helper = 1; helper < helpers; ++helper)
      pool.emplace_back(run);
    run();
  }
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace dragoman
