// Words that every output must hold exactly once, and words that come next in any case, as filters
// on the candidates of each step.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dragoman/inference/models/candidates.h"

namespace dragoman {

/// Which of a sentence's required words a hypothesis has said: bit i for word i. Words from the
/// 65th on are not enforced.
using SaidWords = std::uint64_t;
inline constexpr std::size_t kMostRequired = 64;

[[nodiscard]] SaidWords add_said(SaidWords said, std::span<const std::int64_t> required,
                                 std::int64_t token);

/// Changes the candidates of `row`: what was said is not said again, and a hypothesis that would
/// end before it has said everything says the most probable missing word instead.
void enforce(Candidates& candidates, std::int64_t row, std::span<const std::int64_t> required,
             SaidWords said, std::int64_t end_id);

/// What a token that comes in any case costs at most: the model may hold it for impossible.
inline constexpr float kLeastForced = -1000.0f;
/// Makes `token` the only candidate of `row`.
void force(Candidates& candidates, std::int64_t row, std::int64_t token, float log_prob);

}  // namespace dragoman
