// The border to callers: they meet errors of ours only.
#pragma once

namespace dragoman {

/// To be called while an exception is handled: throws it again as an Error that begins with `what`;
/// Errors stay as they are.
[[noreturn]] void throw_as_error(const char* what);

/// Runs `work`; what LibTorch or the system throws becomes an Error.
template <typename Work>
auto guarded(const char* what, Work&& work) {
  try {
    return work();
  } catch (...) {
    throw_as_error(what);
  }
}

}  // namespace dragoman
