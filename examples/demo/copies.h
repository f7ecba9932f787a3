// What came out of a translation as it stood in the source, counted and shown.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

/// "name TAB Bulkmann TAB emoji TAB ..." without the tabs, or words without the spaces.
[[nodiscard]] std::vector<std::string> parts(std::string_view text, char separator);

/// Whether the token (between spaces, without the punctuation after it) that holds `word` in the
/// reference is a token of the output too. "Bulkmannn" and "Bulk mann" are not "Bulkmann".
[[nodiscard]] bool is_copied(std::string_view word, std::string_view reference,
                             std::string_view output);

/// Characters [begin, end) of a text.
struct CharacterRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// The text with range k as "[k text]", counted from 1. A range that begins inside an earlier one
/// is left out.
[[nodiscard]] std::string marked(std::string_view text, std::span<const CharacterRange> ranges);

}  // namespace demo
