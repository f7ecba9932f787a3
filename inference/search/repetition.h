// No sequence of n tokens twice in one output (Paulus et al. 2018, "n-gram blocking"), as a filter
// on the candidates of each step; and outputs that go round in a loop.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dragoman/inference/models/candidates.h"

namespace dragoman {

/// The tokens that would end `output` in n tokens that it already holds, each once. n = 0: none.
[[nodiscard]] std::vector<std::int64_t> repeating_tokens(std::span<const std::int64_t> output,
                                                         std::int64_t n);

/// Takes `tokens` from the candidates of `row`; the others move up. A row that would keep nothing
/// stays as it is: a repetition is better than no output.
void remove_tokens(Candidates& candidates, std::int64_t row, std::span<const std::int64_t> tokens);

/// Whether `output` ends in some tokens that stand `repeats` (2 or more) times in a row. 0: never.
[[nodiscard]] bool ends_in_loop(std::span<const std::int64_t> output, std::int64_t repeats);
/// Whether it holds such tokens anywhere.
[[nodiscard]] bool has_loop(std::span<const std::int64_t> output, std::int64_t repeats);

}  // namespace dragoman
