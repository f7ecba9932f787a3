#include "dragoman/inference/service/worker_pool.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <latch>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

thread_local std::int64_t this_worker = -1;

/// One call of `run` or `post`.
struct Job {
  Job(std::function<void(std::int64_t)> given, std::int64_t tasks)
      : task(std::move(given)), count(tasks) {}

  std::function<void(std::int64_t)> task;
  std::int64_t count;
  std::int64_t next = 0;  ///< the first task not yet begun
  std::int64_t running = 0;
  std::exception_ptr error;
  std::condition_variable done;
};

}  // namespace

struct WorkerPool::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::shared_ptr<Job>> jobs;  ///< with tasks that are not yet begun
  bool is_stopping = false;
  std::vector<std::thread> threads;
  std::int64_t intra_op = 1;

  void work(std::latch& started, std::int64_t number) {
    this_worker = number;
    // Both are settings of this thread alone. LibTorch gives a thread its default number when it is
    // first needed, once in its own code and once in what its headers compile into ours: both have
    // to happen before, or would overwrite this one.
    static_cast<void>(at::get_num_threads());
    at::internal::lazy_init_num_threads();
    at::set_num_threads(static_cast<int>(intra_op));
    const c10::InferenceMode inference;
    started.count_down();
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [this] { return is_stopping || !jobs.empty(); });
      if (jobs.empty()) return;
      const std::shared_ptr<Job> job = std::move(jobs.front());
      jobs.pop_front();
      work_on(job, lock);
    }
  }

  void work_on(const std::shared_ptr<Job>& turn, std::unique_lock<std::mutex>& lock) {
    Job& job = *turn;
    const std::int64_t index = job.next++;
    if (job.next < job.count) jobs.push_back(turn);
    ++job.running;
    std::exception_ptr error;
    lock.unlock();
    try {
      job.task(index);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    --job.running;
    if (error && !job.error) job.error = error;
    if (error && job.next < job.count) {
      job.next = job.count;
      std::erase(jobs, turn);
    }
    if (job.next == job.count && job.running == 0) job.done.notify_all();
  }

  void stop() {
    {
      const std::lock_guard lock(mutex);
      is_stopping = true;
    }
    wake.notify_all();
    for (std::thread& thread : threads)
      thread.join();
  }
};

WorkerPool::WorkerPool(std::int64_t threads, std::int64_t intra_op)
    : state_(std::make_unique<State>()) {
  state_->intra_op = intra_op;
  // LibTorch also remembers the last number set anywhere as the default of new threads: undo that.
  const int intra_op_threads = at::get_num_threads();
  auto started = std::make_shared<std::latch>(threads);
  try {
    for (std::int64_t thread = 0; thread < threads; ++thread)
      state_->threads.emplace_back(
          [state = state_.get(), started, thread] { state->work(*started, thread); });
  } catch (const std::system_error& error) {
    state_->stop();
    throw SystemError("threads: the system gives only " + std::to_string(state_->threads.size()) +
                      " of " + std::to_string(threads) + " workers (" + error.what() +
                      "). Use fewer threads.");
  }
  started->wait();
  at::set_num_threads(intra_op_threads);
}

WorkerPool::~WorkerPool() {
  state_->stop();
}

std::int64_t WorkerPool::worker() {
  return this_worker;
}

void WorkerPool::run(std::int64_t count, const std::function<void(std::int64_t)>& task) {
  if (count <= 0) return;
  const auto job = std::make_shared<Job>([&task](std::int64_t index) { task(index); }, count);
  std::unique_lock lock(state_->mutex);
  state_->jobs.push_back(job);
  state_->wake.notify_all();
  job->done.wait(lock, [&job] { return job->next == job->count && job->running == 0; });
  if (job->error) std::rethrow_exception(job->error);
}

void WorkerPool::post(std::function<void()> task) {
  auto job = std::make_shared<Job>([own = std::move(task)](std::int64_t) { own(); }, 1);
  const std::lock_guard lock(state_->mutex);
  state_->jobs.push_back(std::move(job));
  state_->wake.notify_one();
}

}  // namespace dragoman
