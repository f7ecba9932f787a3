#include "dragoman/inference/search/repetition.h"

#include <algorithm>
#include <limits>

namespace dragoman {

std::vector<std::int64_t> repeating_tokens(std::span<const std::int64_t> output, std::int64_t n) {
  std::vector<std::int64_t> tokens;
  if (n <= 0 || std::ssize(output) < n) return tokens;
  const auto last = output.last(static_cast<std::size_t>(n - 1));
  for (std::size_t end = static_cast<std::size_t>(n - 1); end < output.size(); ++end) {
    const auto before = output.subspan(end - last.size(), last.size());
    if (std::ranges::equal(before, last) && std::ranges::find(tokens, output[end]) == tokens.end())
      tokens.push_back(output[end]);
  }
  return tokens;
}

void remove_tokens(Candidates& candidates, std::int64_t row, std::span<const std::int64_t> tokens) {
  const std::int64_t begin = row * candidates.count;
  const std::int64_t end = begin + candidates.count;
  const auto stays = [&](std::int64_t place) {
    return candidates.ids[place] >= 0 &&
           std::ranges::find(tokens, candidates.ids[place]) == tokens.end();
  };
  std::int64_t kept = begin;
  for (std::int64_t place = begin; place < end; ++place) {
    if (!stays(place)) continue;
    candidates.ids[kept] = candidates.ids[place];
    candidates.log_probs[kept++] = candidates.log_probs[place];
  }
  if (kept == begin) return;
  for (; kept < end; ++kept) {
    candidates.ids[kept] = -1;
    candidates.log_probs[kept] = -std::numeric_limits<float>::infinity();
  }
}

bool ends_in_loop(std::span<const std::int64_t> output, std::int64_t repeats) {
  if (repeats < 2) return false;
  const auto most = static_cast<std::size_t>(repeats);
  for (std::size_t period = 1; period * most <= output.size(); ++period) {
    const auto tail = output.last(period * most);
    if (std::ranges::equal(tail.subspan(period), tail.first(tail.size() - period))) return true;
  }
  return false;
}

bool has_loop(std::span<const std::int64_t> output, std::int64_t repeats) {
  for (std::size_t end = 1; end <= output.size(); ++end)
    if (ends_in_loop(output.first(end), repeats)) return true;
  return false;
}

}  // namespace dragoman
