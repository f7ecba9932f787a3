#include "dragoman/inference/kernels/copy_mixture.h"

#include <algorithm>
#include <cmath>

namespace dragoman {
namespace {

/// Puts a word into its place in a list that is sorted without it; `from`: where it stands now, or
/// the last place, whose word it replaces.
void place(std::span<std::int64_t> ids, std::span<float> values, std::size_t from, std::int64_t id,
           float value) {
  for (; from > 0 && (values[from - 1] < value || ids[from - 1] < 0); --from) {
    ids[from] = ids[from - 1];
    values[from] = values[from - 1];
  }
  ids[from] = id;
  values[from] = value;
}

}  // namespace

void mix_copies(const CopyRow& row, std::span<std::int64_t> ids, std::span<float> values,
                std::span<float> mass) {
  for (float& value : values)
    value += row.log_generate;
  std::ranges::fill(mass, 0.0f);
  for (std::size_t position = 0; position < row.words.size(); ++position)
    if (row.words[position] >= 0)
      mass[static_cast<std::size_t>(row.first[position])] += std::exp(row.log_weights[position]);

  const float copy = std::exp(row.log_copy);
  for (std::size_t position = 0; position < row.words.size(); ++position) {
    const std::int64_t word = row.words[position];
    if (word < 0 || row.first[position] != static_cast<std::int32_t>(position)) continue;
    const float generated =
        word < row.vocabulary ? std::exp(row.log_generate + row.logits[word] - row.log_sum) : 0.0f;
    const float value = std::log(generated + copy * mass[position]);
    const auto known = std::ranges::find(ids, word);
    if (known != ids.end()) {
      place(ids, values, static_cast<std::size_t>(known - ids.begin()), word, value);
    } else if (value > values.back() &&
               std::ranges::find(row.forbidden, word) == row.forbidden.end()) {
      place(ids, values, ids.size() - 1, word, value);
    }
  }
}

}  // namespace dragoman
