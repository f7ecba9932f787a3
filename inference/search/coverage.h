// The coverage penalty (Wu et al. 2016, equation 14): hypotheses that leave parts of the source out
// lose.
#pragma once

#include <span>
#include <vector>

namespace dragoman {

/// sum over source tokens of log(min(attended, 1)): 0 when each was attended to as much as one
/// output token attends. attended: of each source token, the sum of what all output tokens gave it.
/// What is below 1e-9 counts as 1e-9, so that the result is finite.
[[nodiscard]] double log_coverage(std::span<const float> attended);

/// What each source token has got after one more output token gave `weights`; `before` is empty
/// before the first.
[[nodiscard]] std::vector<float> attended_after(std::span<const float> before,
                                                std::span<const float> weights);

}  // namespace dragoman
