// How pieces and texts mark whitespace.
#pragma once

#include <string_view>

namespace dragoman {

/// U+2581, which stands for whitespace in pieces.
constexpr std::string_view kSpace = "\xe2\x96\x81";

[[nodiscard]] inline bool is_space(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r' || byte == '\f' ||
         byte == '\v';
}

}  // namespace dragoman
