#include "dragoman/inference/beam_step.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace dragoman {

StepChoice choose_extensions(std::span<const double> totals, const Candidates& candidates,
                             std::int64_t first_row, std::int64_t beam_size, std::int64_t end_id) {
  std::vector<Extension> extensions;
  extensions.reserve(totals.size() * static_cast<std::size_t>(candidates.count));
  for (std::size_t beam = 0; beam < totals.size(); ++beam) {
    if (std::isinf(totals[beam])) continue;
    const std::int64_t row = first_row + static_cast<std::int64_t>(beam);
    for (std::int64_t place = row * candidates.count; place < (row + 1) * candidates.count;
         ++place) {
      const float log_prob = candidates.log_probs[place];
      if (candidates.ids[place] < 0 || !std::isfinite(log_prob)) break;
      extensions.push_back({static_cast<std::int64_t>(beam), candidates.ids[place], log_prob,
                            totals[beam] + static_cast<double>(log_prob)});
    }
  }
  // At most one extension by </s> per beam: so many suffice for beam_size others.
  const auto wanted = std::min<std::size_t>(extensions.size(), beam_size + totals.size());
  std::ranges::partial_sort(extensions, extensions.begin() + static_cast<std::ptrdiff_t>(wanted),
                            [](const Extension& one, const Extension& other) {
                              return std::tuple(-one.total, one.beam, one.token) <
                                     std::tuple(-other.total, other.beam, other.token);
                            });
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
