#include "dragoman/data/metrics/ngram_index.h"

#include <utility>

namespace dragoman {

std::vector<std::uint32_t> NgramIndex::add_words(std::span<const std::u32string_view> words) {
  std::vector<std::uint32_t> numbers;
  numbers.reserve(words.size());
  for (const auto word : words) {
    Node node = kSpellings;
    for (const char32_t character : word)
      node = add(node, character);
    numbers.push_back(node);
  }
  return numbers;
}

std::vector<std::uint32_t> NgramIndex::find_words(
    std::span<const std::u32string_view> words) const {
  std::vector<std::uint32_t> numbers;
  numbers.reserve(words.size());
  for (const auto word : words) {
    Node node = kSpellings;
    for (std::size_t index = 0; index < word.size() && node != kNone; ++index)
      node = find(node, word[index]);
    numbers.push_back(node);
  }
  return numbers;
}

void NgramIndex::grow() {
  std::vector<Slot> old(slots_.size() * 2);
  std::swap(old, slots_);
  for (const Slot& slot : old) {
    if (slot.round != round_) continue;
    slots_[position(static_cast<Node>(slot.key >> 32), static_cast<std::uint32_t>(slot.key))] =
        slot;
  }
}

}  // namespace dragoman
