// Characters of UTF-8, one after the other.
#pragma once

#include <unicode/utf8.h>

#include <cstdint>
#include <string_view>

namespace dragoman {

/// The character that begins at byte `at`, negative where none does; `at` moves behind it.
inline UChar32 next_character(std::string_view text, std::int32_t& at) {
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto size = static_cast<std::int32_t>(text.size());
  UChar32 character = 0;
  U8_NEXT(bytes, at, size, character);
  return character;
}

}  // namespace dragoman
