// Is this text UTF-8, and what is left of it when it is not?
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dragoman {

/// Position of the first byte that is NUL or does not belong to a well-formed UTF-8 sequence
/// (overlong forms, surrogates and numbers past U+10FFFF are not); npos when there is none.
[[nodiscard]] std::size_t find_bad_text(std::string_view text);

/// Drops NUL bytes and replaces each maximal ill-formed part by U+FFFD, as Python and browsers do.
[[nodiscard]] std::string repair_text(std::string_view text);

/// The greatest position <= `position` at which no UTF-8 character is cut in two.
[[nodiscard]] std::size_t character_boundary(std::string_view text, std::size_t position);

}  // namespace dragoman
