// Requests, workers and a computation for tests of the scheduler. No LibTorch.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/inference/service/scheduled_request.h"

namespace dragoman_test {

class FakeRequest final : public dragoman::ScheduledRequest {
 public:
  explicit FakeRequest(int which, const dragoman::RequestTraits& traits = {})
      : ScheduledRequest(traits), number(which) {}

  /// Waits for the answer: "done", "cancelled", "late", "unavailable", or an error's message.
  std::string outcome() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return answers_ > 0; });
    if (answers_ > 1) return "answered more than once";
    if (!error_) return "done";
    try {
      std::rethrow_exception(error_);
    } catch (const dragoman::CancelledError&) {
      return "cancelled";
    } catch (const dragoman::DeadlineError&) {
      return "late";
    } catch (const dragoman::UnavailableError&) {
      return "unavailable";
    } catch (const std::exception& error) {
      return error.what();
    }
  }

  const int number;
  int result = 0;  ///< what the computation made of it

 private:
  void answer(const std::exception_ptr& error) noexcept override {
    const std::lock_guard lock(mutex_);
    error_ = error;
    ++answers_;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::exception_ptr error_;
  int answers_ = 0;
};

inline FakeRequest& fake(const std::shared_ptr<dragoman::ScheduledRequest>& request) {
  return static_cast<FakeRequest&>(*request);
}

/// Keeps what was posted until the test does it.
class WorkByHand {
 public:
  void post(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
  }
  bool do_one() {
    std::function<void()> work;
    {
      const std::lock_guard lock(mutex_);
      if (work_.empty()) return false;
      work = std::move(work_.front());
      work_.pop_front();
    }
    work();
    return true;
  }
  void do_all() {
    while (do_one()) {
    }
  }

 private:
  std::mutex mutex_;
  std::deque<std::function<void()>> work_;
};

class Threads {
 public:
  explicit Threads(int count) {
    for (int thread = 0; thread < count; ++thread)
      threads_.emplace_back([this] { work(); });
  }
  ~Threads() {
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_)
      thread.join();
  }
  void post(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
    wake_.notify_one();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return is_stopping_ || !work_.empty(); });
      if (work_.empty()) return;
      {
        const std::function<void()> next = std::move(work_.front());
        work_.pop_front();
        lock.unlock();
        next();
      }
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> work_;
  bool is_stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dragoman_test
