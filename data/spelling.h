// "Did you mean ...?" for names that a user misspelt.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace dragoman {

/// Insertions, deletions, substitutions and swaps of neighbours that turn `left` into `right`
/// (Damerau 1964, each place edited once).
[[nodiscard]] std::size_t edit_distance(std::string_view left, std::string_view right);

/// The name most like `word`; empty when none is near enough to be meant.
[[nodiscard]] std::string nearest_spelling(std::string_view word,
                                           std::span<const std::string> names);

}  // namespace dragoman
