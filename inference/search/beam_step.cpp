#include "dragoman/inference/search/beam_step.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace dragoman {

bool ranks_before(const Extension& one, const Extension& other) {
  return std::tuple(-one.rank, one.beam, one.token) <
         std::tuple(-other.rank, other.beam, other.token);
}

bool StepChoice::best_has_ended() const {
  if (ended.empty()) return false;
  return continued.empty() || ranks_before(ended.front(), continued.front());
}

void StepChoice::keep_best(std::int64_t beam_size) {
  // Whatever has ended is among them.
  const auto places = static_cast<std::size_t>(beam_size) - ended.size();
  if (continued.size() > places) continued.resize(places);
}

double gain(float log_prob, std::int64_t beam, std::int64_t token, const Penalties& penalties) {
  const auto value = static_cast<double>(log_prob);
  if (penalties.said.empty()) return value;
  const auto& said = penalties.said[static_cast<std::size_t>(beam)];
  return std::ranges::binary_search(said, token) ? value * penalties.repetition : value;
}

std::vector<Extension> all_extensions(std::span<const double> totals, const Candidates& candidates,
                                      std::int64_t first_row, const Penalties& penalties) {
  std::vector<Extension> extensions;
  extensions.reserve(totals.size() * static_cast<std::size_t>(candidates.count));
  for (std::size_t beam = 0; beam < totals.size(); ++beam) {
    if (std::isinf(totals[beam])) continue;
    const std::int64_t row = first_row + static_cast<std::int64_t>(beam);
    for (std::int64_t place = row * candidates.count; place < (row + 1) * candidates.count;
         ++place) {
      const std::int64_t token = candidates.ids[place];
      const float log_prob = candidates.log_probs[place];
      if (token < 0 || !std::isfinite(log_prob)) break;
      const auto number = static_cast<std::int64_t>(beam);
      const double total = totals[beam] + gain(log_prob, number, token, penalties);
      double rank = penalties.handicaps.empty() ? total : total - penalties.handicaps[beam];
      if (!penalties.taken.empty()) {
        const auto times = std::ranges::count(penalties.taken, token);
        if (times > 0) rank -= penalties.diversity * static_cast<double>(times);
        if (std::isinf(rank)) continue;
      }
      extensions.push_back({number, token, log_prob, total, rank});
    }
  }
  return extensions;
}

StepChoice choose_extensions(std::span<const double> totals, const Candidates& candidates,
                             std::int64_t first_row, std::int64_t beam_size, std::int64_t end_id,
                             const Penalties& penalties) {
  std::vector<Extension> extensions = all_extensions(totals, candidates, first_row, penalties);
  // At most one extension by </s> per beam: so many suffice for beam_size others.
  const auto wanted = std::min<std::size_t>(extensions.size(), beam_size + totals.size());
  std::ranges::partial_sort(extensions, extensions.begin() + static_cast<std::ptrdiff_t>(wanted),
                            ranks_before);
  StepChoice choice;
  for (std::size_t rank = 0; rank < wanted; ++rank) {
    const Extension& extension = extensions[rank];
    if (extension.token == end_id) {
      if (static_cast<std::int64_t>(rank) < beam_size) choice.ended.push_back(extension);
    } else if (static_cast<std::int64_t>(choice.continued.size()) < beam_size) {
      choice.continued.push_back(extension);
    }
  }
  return choice;
}

}  // namespace dragoman
