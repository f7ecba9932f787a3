// No sequence of n tokens twice in one output (Paulus et al. 2018, "n-gram blocking"), as a filter
// on the candidates of each step.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dragoman/inference/candidates.h"

namespace dragoman {

/// The tokens that would end `output` in n tokens that it already holds, each once. n = 0: none.
[[nodiscard]] std::vector<std::int64_t> repeating_tokens(std::span<const std::int64_t> output,
                                                         std::int64_t n);

/// Takes `tokens` from the candidates of `row`; the others move up. A row that would keep nothing
/// stays as it is: a repetition is better than no output.
void remove_tokens(Candidates& candidates, std::int64_t row, std::span<const std::int64_t> tokens);

}  // namespace dragoman
