#include "dragoman/inference/engine/output_words.h"

#include <algorithm>
#include <utility>

namespace dragoman::engine {

void OutputWords::select(std::vector<std::vector<std::int64_t>> words) {
  std::vector<std::int32_t> column_of(static_cast<std::size_t>(columns()), -1);
  for (const std::vector<std::int64_t>& own : words)
    for (const std::int64_t word : own)
      column_of[static_cast<std::size_t>(word)] = 0;
  std::vector<std::int64_t> chosen;
  for (std::size_t word = 0; word < column_of.size(); ++word) {
    if (column_of[word] < 0) continue;
    column_of[word] = static_cast<std::int32_t>(chosen.size());
    chosen.push_back(static_cast<std::int64_t>(word));
  }
  for (const std::vector<std::int64_t>& own : words) {
    std::vector<std::int32_t>& columns = columns_.emplace_back();
    columns.reserve(own.size());
    for (const std::int64_t word : own)
      columns.push_back(column_of[static_cast<std::size_t>(word)]);
  }
  selected_ = projection_->select(chosen);
  projection_ = &selected_;
  words_ = std::move(words);
}

float* OutputWords::own_logits(float* row, std::int64_t sentence,
                               std::vector<float>& memory) const {
  if (!are_selected()) return row;
  const std::vector<std::int32_t>& columns = columns_[static_cast<std::size_t>(sentence)];
  memory.resize(columns.size());
  for (std::size_t place = 0; place < columns.size(); ++place)
    memory[place] = row[columns[place]];
  return memory.data();
}

std::vector<std::int64_t> OutputWords::places_of(std::span<const std::int64_t> words,
                                                 std::int64_t sentence) const {
  const std::span<const std::int64_t> own = this->words(sentence);
  std::vector<std::int64_t> places;
  for (const std::int64_t word : words) {
    const auto found = std::ranges::lower_bound(own, word);
    if (found != own.end() && *found == word) places.push_back(found - own.begin());
  }
  return places;
}

}  // namespace dragoman::engine
