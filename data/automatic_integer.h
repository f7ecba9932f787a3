// A whole number of a configuration that may be left to the program.
#pragma once

#include <cstdint>

namespace dragoman {

/// Written as "auto" in a configuration, or as a number.
struct AutomaticInteger {
  constexpr AutomaticInteger() = default;
  constexpr AutomaticInteger(std::int64_t number) : value(number) {}  // NOLINT: as the number
  constexpr operator std::int64_t() const { return value; }           // NOLINT

  [[nodiscard]] constexpr bool is_automatic() const { return value == 0; }

  std::int64_t value = 0;  ///< 0: "auto"
};

}  // namespace dragoman
