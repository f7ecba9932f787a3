#include "dragoman/inference/error_guard.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <exception>
#include <new>
#include <string_view>

#include "dragoman/data/error.h"

namespace dragoman {

void throw_as_error(const char* what) {
  try {
    throw;
  } catch (const Error&) {
    throw;
  } catch (const c10::OutOfMemoryError& error) {
    throw SystemError(fmt::format("{}: the device is out of memory ({}). Use a smaller batch_size.",
                                  what, error.what_without_backtrace()));
  } catch (const c10::Error& error) {
    const std::string_view problem = error.what_without_backtrace();
    if (problem.find("allocate memory") != std::string_view::npos)
      throw SystemError(fmt::format("{}: {}. Use a smaller batch_size.", what, problem));
    throw ModelError(fmt::format("{}: {}", what, problem));
  } catch (const std::bad_alloc&) {
    throw SystemError(fmt::format("{}: out of memory. Use a smaller batch_size.", what));
  } catch (const std::exception& error) {
    throw Error(fmt::format("{}: a mistake of the library: {}", what, error.what()), 1);
  }
}

}  // namespace dragoman
