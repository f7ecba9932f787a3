#include "dragoman/data/doctor/copyable.h"

#include <unordered_set>

#include "dragoman/data/corpus_summary.h"
#include "dragoman/data/doctor/words.h"

namespace dragoman {

namespace {

void for_each_word_of(WordKind kind, std::string_view text, const auto& use) {
  if (kind == WordKind::spaced)
    for_each_word(text, use);
  else
    for_each_folded_word(text, use);
}

}  // namespace

std::uint32_t WordCounts::number(std::string_view word) {
  const auto [entry, is_new] =
      numbers_.try_emplace(hash_bytes(word), static_cast<std::uint32_t>(counts_.size()));
  if (is_new) counts_.push_back(0);
  return entry->second;
}

void WordCounts::find(std::string_view text, std::vector<std::uint32_t>& found) const {
  for_each_word_of(kind_, text, [&](std::string_view word) {
    const auto known = numbers_.find(hash_bytes(word));
    if (known != numbers_.end() && is_rare(known->second)) found.push_back(known->second);
  });
}

void WordCounts::count(const std::vector<std::uint32_t>& found) {
  for (const std::uint32_t number : found)
    ++counts_[number];
}

void CopyableWords::add(std::string_view source, std::string_view target) {
  std::unordered_set<std::uint64_t> in_source;
  if (counts_.kind() == WordKind::folded)
    for_each_folded_word(source,
                         [&](std::string_view word) { in_source.insert(hash_bytes(word)); });
  for_each_word_of(counts_.kind(), target, [&](std::string_view word) {
    words_.push_back({counts_.number(word), counts_.kind() == WordKind::folded
                                                ? in_source.contains(hash_bytes(word))
                                                : source.find(word) != std::string_view::npos});
  });
}

CopyableShare CopyableWords::share() const {
  CopyableShare share{.words = static_cast<std::int64_t>(words_.size())};
  for (const Word& word : words_) {
    if (!counts_.is_rare(word.number)) continue;
    ++share.rare;
    share.copyable += word.is_in_source ? 1 : 0;
  }
  return share;
}

}  // namespace dragoman
