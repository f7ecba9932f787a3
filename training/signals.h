// SIGINT and SIGTERM as a question that the training loop asks between updates.
#pragma once

namespace dragoman {

/// While it lives, the first SIGINT or SIGTERM is remembered; a second one ends the process at
/// once. One at a time in a process. The former handlers come back with the destructor.
class SignalGuard {
 public:
  SignalGuard();
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

  [[nodiscard]] bool is_raised() const;
};

}  // namespace dragoman
