#include "dragoman/inference/search/requirements.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace dragoman {
namespace {

std::size_t enforced(std::span<const std::int64_t> required) {
  return std::min(required.size(), kMostRequired);
}

bool was_said(SaidWords said, std::size_t word) {
  return (said >> word & 1U) != 0;
}

}  // namespace

SaidWords add_said(SaidWords said, std::span<const std::int64_t> required, std::int64_t token) {
  for (std::size_t word = 0; word < enforced(required); ++word)
    if (required[word] == token) said |= SaidWords{1} << word;
  return said;
}

void enforce(Candidates& candidates, std::int64_t row, std::span<const std::int64_t> required,
             SaidWords said, std::int64_t end_id) {
  std::vector<std::pair<float, std::int64_t>> missing;
  for (std::size_t word = 0; word < enforced(required); ++word)
    if (!was_said(said, word)) missing.emplace_back(candidates.required[row][word], required[word]);

  std::vector<std::pair<float, std::int64_t>> kept;
  bool wants_end = false;
  for (std::int64_t place = row * candidates.count; place < (row + 1) * candidates.count; ++place) {
    const std::int64_t id = candidates.ids[place];
    if (id < 0) break;
    const auto word = std::ranges::find(required.first(enforced(required)), id) - required.begin();
    if (word < std::ssize(required) && was_said(said, static_cast<std::size_t>(word))) continue;
    if (id == end_id && !missing.empty()) {
      wants_end = wants_end || kept.empty();
      continue;
    }
    kept.emplace_back(candidates.log_probs[place], id);
  }
  if (wants_end || kept.empty()) {
    kept = missing;
    std::ranges::sort(kept, std::greater<>());
  }
  kept.resize(candidates.count, {-std::numeric_limits<float>::infinity(), -1});
  for (std::int64_t place = 0; place < candidates.count; ++place) {
    candidates.log_probs[row * candidates.count + place] = kept[place].first;
    candidates.ids[row * candidates.count + place] = kept[place].second;
  }
}

void force(Candidates& candidates, std::int64_t row, std::int64_t token, float log_prob) {
  const std::int64_t first = row * candidates.count;
  for (std::int64_t place = first; place < first + candidates.count; ++place) {
    candidates.ids[place] = -1;
    candidates.log_probs[place] = -std::numeric_limits<float>::infinity();
  }
  candidates.ids[first] = token;
  candidates.log_probs[first] = log_prob < kLeastForced ? kLeastForced : log_prob;  // NaN stays NaN
}

}  // namespace dragoman
