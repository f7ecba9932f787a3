#include "dragoman/inference/service/worker_pool.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.h"

using dragoman::WorkerPool;

TEST_CASE("every task runs once, for several callers at a time", "[worker_pool]") {
  WorkerPool pool(3);
  std::vector<std::thread> callers;
  std::vector<std::vector<std::atomic<int>>> counts;
  for (int caller = 0; caller < 4; ++caller)
    counts.emplace_back(200);
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&pool, &own = counts[caller]] {
      pool.run(200, [&own](std::int64_t index) { ++own[index]; });
    });
  for (std::thread& caller : callers)
    caller.join();
  for (const auto& own : counts)
    for (const auto& count : own)
      REQUIRE(count == 1);
  pool.run(0, [](std::int64_t) { throw std::logic_error("never called"); });
}

TEST_CASE("a task's exception reaches the caller and spares other callers", "[worker_pool]") {
  WorkerPool pool(2);
  CHECK_THROWS_WITH(pool.run(100,
                             [](std::int64_t index) {
                               if (index == 5) throw std::runtime_error("task 5");
                             }),
                    "task 5");
  std::atomic<int> count = 0;
  pool.run(10, [&count](std::int64_t) { ++count; });
  CHECK(count == 10);
}

TEST_CASE("workers compute on one core without gradients, and leave the process as it was",
          "[worker_pool]") {
  const int threads = at::get_num_threads();
  WorkerPool pool(2);
  pool.run(4, [](std::int64_t) {
    if (at::get_num_threads() != 1 || !c10::InferenceMode::is_enabled())
      throw std::logic_error("a worker is set up wrongly");
  });
  CHECK(at::get_num_threads() == threads);
  CHECK_FALSE(c10::InferenceMode::is_enabled());
  int fresh = 0;
  std::thread([&fresh] { fresh = at::get_num_threads(); }).join();
  CHECK(fresh == threads);
}

TEST_CASE("a worker keeps to its core when code of ours or of LibTorch goes parallel",
          "[worker_pool]") {
  const int threads = at::get_num_threads();
  at::set_num_threads(4);
  WorkerPool pool(2);
  pool.run(20, [](std::int64_t) {
    const std::thread::id own = std::this_thread::get_id();
    std::atomic<bool> elsewhere = false;
    at::parallel_for(0, 64, 1, [&](std::int64_t, std::int64_t) {
      if (std::this_thread::get_id() != own) elsewhere = true;
    });
    if (elsewhere || at::get_num_threads() != 1) throw std::logic_error("more threads than one");
  });
  at::set_num_threads(threads);
}

TEST_CASE("who posts and who runs take turns; what was posted is done before the end",
          "[worker_pool]") {
  std::vector<std::string> done;
  std::atomic<int> posted = 0;
  {
    WorkerPool pool(1);
    pool.run(4, [&](std::int64_t index) {
      done.push_back("run " + std::to_string(index));
      if (index == 0) pool.post([&done] { done.emplace_back("posted"); });
    });
    for (int count = 0; count < 50; ++count)
      pool.post([&posted] { ++posted; });
  }
  CHECK((done == std::vector<std::string>{"run 0", "run 1", "posted", "run 2", "run 3"}));
  CHECK(posted == 50);
}
