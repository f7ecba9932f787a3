#include "dragoman/inference/kernels/copy_mixture.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace dragoman {
namespace {

/// Whether a word stands before another in the list; of equals the one with the lower id does.
bool precedes(std::int64_t id, float value, std::int64_t other, float other_value) {
  return other < 0 || value > other_value || (value == other_value && id < other);
}

/// Puts a word into its place in a list that is sorted without it; `from`: where it stands now, or
/// the last place, whose word it replaces.
void place(std::span<std::int64_t> ids, std::span<float> values, std::size_t from, std::int64_t id,
           float value) {
  for (; from > 0 && precedes(id, value, ids[from - 1], values[from - 1]); --from) {
    ids[from] = ids[from - 1];
    values[from] = values[from - 1];
  }
  ids[from] = id;
  values[from] = value;
}

/// Minus infinity for what is not generated.
float logit(const CopyRow& row, std::int64_t word) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  if (word >= row.vocabulary) return kNever;
  if (row.generated.empty()) return row.logits[word];
  const auto found = std::ranges::lower_bound(row.generated, word);
  return found == row.generated.end() || *found != word ? kNever
                                                        : row.logits[found - row.generated.begin()];
}

/// log(e^a + e^b).
float log_add(float a, float b) {
  const float highest = std::max(a, b);
  if (std::isinf(highest)) return highest;
  return highest + std::log1p(std::exp(std::min(a, b) - highest));
}

/// mass[i]: the weight of the word that position i is the first to yield.
void sum_masses(const CopyRow& row, std::span<float> mass) {
  std::ranges::fill(mass, 0.0f);
  for (std::size_t position = 0; position < row.words.size(); ++position)
    if (row.words[position] >= 0)
      mass[static_cast<std::size_t>(row.first[position])] += std::exp(row.log_weights[position]);
}

}  // namespace

void whole_mixture(const CopyRow& row, std::span<float> out, std::span<float> mass) {
  for (std::int64_t word = 0; word < row.vocabulary; ++word)
    out[static_cast<std::size_t>(word)] = row.log_generate + (logit(row, word) - row.log_sum);
  sum_masses(row, mass);
  for (std::size_t position = 0; position < row.words.size(); ++position) {
    if (row.words[position] < 0 || row.first[position] != static_cast<std::int32_t>(position))
      continue;
    float& total = out[static_cast<std::size_t>(row.words[position])];
    total = log_add(total, row.log_copy + std::log(mass[position]));
  }
}

MixedWord mixed_word(const CopyRow& row, std::int64_t word) {
  const float generated = row.log_generate + (logit(row, word) - row.log_sum);
  float copied = -std::numeric_limits<float>::infinity();
  MixedWord result;
  for (std::size_t position = 0; position < row.words.size(); ++position) {
    if (row.words[position] != word) continue;
    copied = log_add(copied, row.log_weights[position]);
    if (result.position < 0 ||
        row.log_weights[position] > row.log_weights[static_cast<std::size_t>(result.position)])
      result.position = static_cast<std::int64_t>(position);
  }
  copied += row.log_copy;
  result.log_prob = log_add(generated, copied);
  result.copied = std::isinf(copied) ? 0.0f : std::exp(copied - result.log_prob);
  return result;
}

void mix_copies(const CopyRow& row, std::span<std::int64_t> ids, std::span<float> values,
                std::span<float> mass) {
  for (float& value : values)
    value += row.log_generate;
  sum_masses(row, mass);

  const float copy = std::exp(row.log_copy);
  for (std::size_t position = 0; position < row.words.size(); ++position) {
    const std::int64_t word = row.words[position];
    if (word < 0 || row.first[position] != static_cast<std::int32_t>(position)) continue;
    const float generated = std::exp(row.log_generate + logit(row, word) - row.log_sum);
    const float value = std::log(generated + copy * mass[position]);
    const auto known = std::ranges::find(ids, word);
    if (known != ids.end()) {
      place(ids, values, static_cast<std::size_t>(known - ids.begin()), word, value);
    } else if (precedes(word, value, ids.back(), values.back()) &&
               std::ranges::find(row.forbidden, word) == row.forbidden.end()) {
      place(ids, values, ids.size() - 1, word, value);
    }
  }
}

}  // namespace dragoman
