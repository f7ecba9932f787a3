// What is unusual in one line of text, by its characters alone (Unicode's tables, from ICU).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dragoman {

struct LineTraits {
  static constexpr std::size_t kNone = std::string_view::npos;
  static constexpr std::int32_t kNoScript = -1;

  std::int64_t characters = 0;
  /// Of most letters, as ICU's UScriptCode; kana and bopomofo count as Han.
  std::int32_t script = kNoScript;
  bool is_blank = true;  ///< nothing but white space
  bool is_ascii = true;
  bool has_digit = false;         ///< 0 to 9
  bool has_loose_spaces = false;  ///< at an end, or two in a row
  // Where the first one stands, in bytes:
  std::size_t control = kNone;        ///< controls but tab; line and paragraph separators
  std::size_t unusual_space = kNone;  ///< tab, no-break, zero-width and other than plain spaces
  std::size_t mojibake = kNone;       ///< U+FFFD, or UTF-8 that was read as Windows-1252
};

/// `line` is UTF-8.
[[nodiscard]] LineTraits examine_line(std::string_view line);

/// "Latin", "Cyrillic", ...
[[nodiscard]] std::string script_name(std::int32_t script);

}  // namespace dragoman
