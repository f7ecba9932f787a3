// The number of edits of TER between two sentences of numbered words: Tercom's greedy search for
// block shifts.
#pragma once

#include <cstdint>
#include <span>

namespace dragoman {

/// Shifts, insertions, deletions and substitutions that turn `hypothesis` into `reference`. Equal
/// words have equal numbers.
[[nodiscard]] std::int64_t translation_edits(std::span<const std::uint32_t> hypothesis,
                                             std::span<const std::uint32_t> reference);

}  // namespace dragoman
