#include "dragoman/inference/engine/crew.h"

namespace dragoman::engine {
namespace {

/// Looks for the next task before a thread sleeps: some 50 microseconds.
constexpr int kLooks = 2000;
/// Looks for the end of a part after which the caller offers its core to others.
constexpr int kPatientLooks = 1000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

Crew::Crew(std::int64_t size) {
  next_ = static_cast<std::uint32_t>(size);
  try {
    threads_.reserve(static_cast<std::size_t>(size));
    for (std::int64_t thread = 1; thread < size; ++thread)
      threads_.emplace_back([this] { serve(); });
  } catch (...) {
    stop();
    throw;
  }
}

Crew::~Crew() {
  stop();
}

void Crew::stop() {
  is_stopping_ = true;
  task_.fetch_add(1);
  task_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
}

bool Crew::do_next_part() {
  const auto parts = static_cast<std::uint32_t>(size());
  // Whoever takes a part of a task sees its function: `next_` became 0 after that was written, and
  // the task does not end before its parts.
  std::uint32_t part = next_.load(std::memory_order_acquire);
  do {
    if (part >= parts) return false;
  } while (!next_.compare_exchange_weak(part, part + 1, std::memory_order_acq_rel,
                                        std::memory_order_acquire));
  function_(context_, part);
  done_.fetch_add(1, std::memory_order_release);
  return true;
}

void Crew::run(Function function, const void* context) {
  const auto parts = static_cast<std::uint32_t>(size());
  function_ = function;
  context_ = context;
  done_.store(0, std::memory_order_relaxed);
  next_.store(0, std::memory_order_release);
  // With the look at `asleep_`: either a thread sees the new task before it sleeps, or it is seen
  // asleep here.
  task_.fetch_add(1, std::memory_order_seq_cst);
  if (asleep_.load(std::memory_order_seq_cst) > 0) task_.notify_all();
  while (do_next_part()) {
  }
  for (int looks = 0; done_.load(std::memory_order_acquire) < parts; ++looks) {
    if (looks < kPatientLooks)
      pause();
    else
      std::this_thread::yield();
  }
}

void Crew::serve() {
  std::uint32_t seen = 0;
  while (true) {
    for (int looks = 0; looks < kLooks && task_.load(std::memory_order_acquire) == seen; ++looks)
      pause();
    if (task_.load(std::memory_order_acquire) == seen) {
      asleep_.fetch_add(1, std::memory_order_seq_cst);
      task_.wait(seen, std::memory_order_seq_cst);
      asleep_.fetch_sub(1, std::memory_order_relaxed);
    }
    seen = task_.load(std::memory_order_acquire);
    if (is_stopping_) return;
    while (do_next_part()) {
    }
  }
}

}  // namespace dragoman::engine
