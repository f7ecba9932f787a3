// How single requests of many threads are queued and brought together. Standard library only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace dragoman {

/// What submit does while the queue is full: wait for room (which slows the caller down), or throw
/// UnavailableError at once.
enum class WhenFull { wait, refuse };
constexpr auto names(WhenFull) {
  return std::to_array<std::pair<std::string_view, WhenFull>>(
      {{"wait", WhenFull::wait}, {"refuse", WhenFull::refuse}});
}

/// Which requests share a batch, and when it is begun. Those with equal decoding options may share
/// one; the oldest of the highest priority is its first, those of the nearest lengths follow.
struct QueueOptions {
  std::int64_t capacity = 1024;
  WhenFull when_full = WhenFull::wait;
  std::int64_t batch_tokens = 4096;
  std::int64_t max_wait_ms = 0;
  std::int64_t aging_ms = 1000;

  static void fields(auto& self, auto&& visit) {
    visit("capacity", self.capacity, "requests that may wait", 1, 10000000);
    visit("when_full", self.when_full, "what a request to a full queue meets");
    visit("batch_tokens", self.batch_tokens,
          "sentences times the tokens of the longest source in one batch, at most; a longer source "
          "is alone",
          1, 1000000000);
    visit("max_wait_ms", self.max_wait_ms,
          "how long a free worker lets a request wait for others; 0: what has arrived is begun", 0,
          60000);
    visit("aging_ms", self.aging_ms, "waiting so long counts as one level of priority", 1, 3600000);
  }
  void check(auto&&) const {}
};

struct RequestOptions {
  std::int64_t priority = 0;    ///< higher ones first
  std::int64_t timeout_ms = 0;  ///< DeadlineError when it is over before the answer; 0: none

  static void fields(auto& self, auto&& visit) {
    visit("priority", self.priority, "higher ones first", -100, 100);
    visit("timeout_ms", self.timeout_ms, "milliseconds until nobody wants the answer; 0: none", 0,
          1000000000);
  }
  void check(auto&&) const {}
};

/// What becomes of the requests that have no answer yet when no more are taken: they are finished,
/// or fail at once with UnavailableError.
enum class Shutdown { finish, fail };

}  // namespace dragoman
