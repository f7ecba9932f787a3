#include "dragoman/data/spelling.h"

#include <algorithm>
#include <vector>

namespace dragoman {

std::size_t edit_distance(std::string_view left, std::string_view right) {
  // Three rows of the table: the one before last is needed for swaps.
  std::vector<std::size_t> before(right.size() + 1);
  std::vector<std::size_t> previous(right.size() + 1);
  std::vector<std::size_t> current(right.size() + 1);
  for (std::size_t column = 0; column <= right.size(); ++column)
    current[column] = column;
  for (std::size_t row = 1; row <= left.size(); ++row) {
    std::swap(before, previous);
    std::swap(previous, current);
    current[0] = row;
    for (std::size_t column = 1; column <= right.size(); ++column) {
      const std::size_t substitution = left[row - 1] == right[column - 1] ? 0 : 1;
      current[column] = std::min(
          {previous[column] + 1, current[column - 1] + 1, previous[column - 1] + substitution});
      const bool is_swap = row > 1 && column > 1 && left[row - 1] == right[column - 2] &&
                           left[row - 2] == right[column - 1];
      if (is_swap) current[column] = std::min(current[column], before[column - 2] + 1);
    }
  }
  return current[right.size()];
}

std::string nearest_spelling(std::string_view word, std::span<const std::string> names) {
  std::string best;
  std::size_t best_distance = 0;
  for (const auto& name : names) {
    const std::size_t allowed = std::max<std::size_t>(1, std::max(word.size(), name.size()) / 3);
    const std::size_t distance = edit_distance(word, name);
    if (distance <= allowed && (best.empty() || distance < best_distance)) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace dragoman
