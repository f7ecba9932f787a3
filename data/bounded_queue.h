// Hands items from one thread to another, at most so many ahead.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <utility>

namespace dragoman {

template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  /// Waits for room; false when the queue was closed, and then `item` is dropped.
  bool push(T item) {
    std::unique_lock lock(mutex_);
    has_room_.wait(lock, [this] { return items_.size() < capacity_ || is_closed_; });
    if (is_closed_) return false;
    items_.push_back(std::move(item));
    has_items_.notify_one();
    return true;
  }

  /// No more items will come: once those pushed before are taken, `pop` throws `reason`.
  void fail(std::exception_ptr reason) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(reason);
    has_items_.notify_all();
  }

  /// Waits for an item.
  T pop() {
    std::unique_lock lock(mutex_);
    has_items_.wait(lock, [this] { return !items_.empty() || failure_; });
    if (items_.empty()) std::rethrow_exception(failure_);
    T item = std::move(items_.front());
    items_.pop_front();
    has_room_.notify_one();
    return item;
  }

  /// Nobody will pop any more: `push` returns at once.
  void close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    has_room_.notify_all();
  }

 private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable has_room_;
  std::condition_variable has_items_;
  std::deque<T> items_;
  std::exception_ptr failure_;
  bool is_closed_ = false;
};

}  // namespace dragoman
