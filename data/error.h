// The errors that a user can meet. Every message reads
//   where: what is wrong (both values). What to do.
// and each kind carries the exit status of the program. Programmer mistakes are TORCH_CHECK or
// assert, never these.
#pragma once

#include <stdexcept>
#include <string>

namespace dragoman {

/// Base of every error that Dragoman throws on purpose. The program exits with `exit_code()`.
class Error : public std::runtime_error {
 public:
  Error(const std::string& message, int exit_code)
      : std::runtime_error(message), exit_code_(exit_code) {}
  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

/// Wrong settings, options or requests (exit status 2).
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(message, 2) {}
};

/// An input file is missing, malformed or does not fit (exit status 3); names file:line where it
/// can.
class DataError : public Error {
 public:
  explicit DataError(const std::string& message) : Error(message, 3) {}
};

/// A model or checkpoint is damaged, foreign or of another shape (exit status 4).
class ModelError : public Error {
 public:
  explicit ModelError(const std::string& message) : Error(message, 4) {}
};

/// The machine fails: disk full, no permission, a thread or process is gone (exit status 5).
class SystemError : public Error {
 public:
  explicit SystemError(const std::string& message) : Error(message, 5) {}
};

/// The caller withdrew the request (status 6 in C).
class CancelledError : public Error {
 public:
  explicit CancelledError(const std::string& message) : Error(message, 6) {}
};

/// The request's time was over before it was answered (status 7 in C).
class DeadlineError : public Error {
 public:
  explicit DeadlineError(const std::string& message) : Error(message, 7) {}
};

/// The request may be in order but is not taken now: the queue is full, or is being shut down
/// (status 8 in C).
class UnavailableError : public Error {
 public:
  explicit UnavailableError(const std::string& message) : Error(message, 8) {}
};

}  // namespace dragoman
