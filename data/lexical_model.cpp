#include "dragoman/data/lexical_model.h"

#include <algorithm>
#include <utility>

#include "dragoman/data/parallel.h"

namespace dragoman {
namespace {

/// So many whatever the number of threads: each is added up by one of them, in the corpus's order.
constexpr std::size_t kShards = 64;
constexpr std::size_t kSmallestTable = 64;

std::size_t hash_of(std::int32_t source, std::int32_t target) {
  std::uint64_t key = static_cast<std::uint64_t>(static_cast<std::uint32_t>(source)) << 32 |
                      static_cast<std::uint32_t>(target);
  key ^= key >> 33;
  key *= 0xff51afd7ed558ccdULL;
  key ^= key >> 33;
  key *= 0xc4ceb9fe1a85ec53ULL;
  return static_cast<std::size_t>(key ^ key >> 33);
}

}  // namespace

LexicalModel::LexicalModel(std::int64_t source_words, std::int64_t target_words,
                           std::int64_t threads)
    : empty_word_(static_cast<std::int32_t>(source_words)),
      threads_(threads),
      shards_(kShards),
      frequencies_(static_cast<std::size_t>(target_words)) {}

const LexicalModel::Entry* LexicalModel::Shard::find(std::int32_t source,
                                                     std::int32_t target) const {
  if (entries.empty()) return nullptr;
  const std::size_t mask = entries.size() - 1;
  for (std::size_t at = hash_of(source, target) & mask; entries[at].source >= 0;
       at = (at + 1) & mask)
    if (entries[at].source == source && entries[at].target == target) return &entries[at];
  return nullptr;
}

LexicalModel::Entry& LexicalModel::Shard::place(std::int32_t source, std::int32_t target) {
  if (2 * used >= entries.size()) grow();
  const std::size_t mask = entries.size() - 1;
  std::size_t at = hash_of(source, target) & mask;
  while (entries[at].source >= 0) {
    if (entries[at].source == source && entries[at].target == target) return entries[at];
    at = (at + 1) & mask;
  }
  ++used;
  entries[at].source = source;
  entries[at].target = target;
  return entries[at];
}

void LexicalModel::Shard::grow() {
  std::vector<Entry> old(std::max(kSmallestTable, 2 * entries.size()));
  entries.swap(old);
  const std::size_t mask = entries.size() - 1;
  for (const Entry& entry : old) {
    if (entry.source < 0) continue;
    std::size_t at = hash_of(entry.source, entry.target) & mask;
    while (entries[at].source >= 0)
      at = (at + 1) & mask;
    entries[at] = entry;
  }
}

std::size_t LexicalModel::shard_of(std::int32_t source) {
  return static_cast<std::size_t>(source) % kShards;
}

std::int32_t LexicalModel::word_at(const TokenPair& pair, std::int64_t place) const {
  return place < 0 ? empty_word_ : pair.source[static_cast<std::size_t>(place)];
}

void LexicalModel::sum_probabilities(const TokenPair& pair, std::vector<double>& sums) const {
  sums.assign(pair.target.size(), 0.0);
  for (std::int64_t place = -1; place < std::ssize(pair.source); ++place) {
    const std::int32_t word = word_at(pair, place);
    const Shard& shard = shards_[shard_of(word)];
    for (std::size_t target = 0; target < pair.target.size(); ++target)
      if (const Entry* entry = shard.find(word, pair.target[target]))
        sums[target] += static_cast<double>(entry->probability);
  }
}

void LexicalModel::add(std::span<const TokenPair> pairs) {
  std::vector<std::vector<Occurrence>> occurrences(kShards);
  for (std::size_t pair = 0; pair < pairs.size(); ++pair)
    for (std::int64_t place = -1; place < std::ssize(pairs[pair].source); ++place)
      occurrences[shard_of(word_at(pairs[pair], place))].push_back({pair, place});
  if (is_first_)
    for (const TokenPair& pair : pairs)
      for (const std::int32_t target : pair.target)
        ++frequencies_[static_cast<std::size_t>(target)];

  std::vector<std::vector<double>> sums(pairs.size());
  if (!is_first_)
    run_parallel(threads_, pairs.size(),
                 [&](std::size_t pair) { sum_probabilities(pairs[pair], sums[pair]); });
  run_parallel(threads_, kShards, [&](std::size_t number) {
    Shard& shard = shards_[number];
    for (const auto& [index, place] : occurrences[number]) {
      const TokenPair& pair = pairs[index];
      const std::int32_t word = word_at(pair, place);
      const double equal = 1.0 / static_cast<double>(pair.source.size() + 1);
      for (std::size_t target = 0; target < pair.target.size(); ++target) {
        Entry& entry = shard.place(word, pair.target[target]);
        entry.count += is_first_ ? equal
                       : sums[index][target] > 0.0
                           ? static_cast<double>(entry.probability) / sums[index][target]
                           : 0.0;
      }
    }
  });
}

void LexicalModel::maximize() {
  run_parallel(threads_, kShards, [&](std::size_t number) {
    std::vector<double> totals(static_cast<std::size_t>(empty_word_) / kShards + 1);
    const auto total_of = [&totals](const Entry& entry) -> double& {
      return totals[static_cast<std::size_t>(entry.source) / kShards];
    };
    for (const Entry& entry : shards_[number].entries)
      if (entry.source >= 0) total_of(entry) += entry.count;
    for (Entry& entry : shards_[number].entries) {
      if (entry.source < 0) continue;
      const double total = total_of(entry);
      entry.probability = total > 0.0 ? static_cast<float>(entry.count / total) : 0.0f;
      entry.count = 0.0;
    }
  });
  is_first_ = false;
}

std::vector<std::vector<LexicalModel::Translation>> LexicalModel::best(std::size_t count) const {
  std::vector<std::vector<Translation>> found(static_cast<std::size_t>(empty_word_) + 1);
  run_parallel(threads_, kShards, [&](std::size_t number) {
    for (const Entry& entry : shards_[number].entries)
      if (entry.source >= 0 && entry.probability > 0.0f)
        found[static_cast<std::size_t>(entry.source)].push_back({entry.target, entry.probability});
    for (std::size_t word = number; word < found.size(); word += kShards) {
      std::vector<Translation>& list = found[word];
      const std::size_t kept = std::min(count, list.size());
      std::ranges::partial_sort(list, list.begin() + static_cast<std::ptrdiff_t>(kept), {},
                                [](const Translation& translation) {
                                  return std::pair(-translation.probability, translation.word);
                                });
      list.resize(kept);
      list.shrink_to_fit();
    }
  });
  found.pop_back();  // the empty word
  return found;
}

double LexicalModel::probability(std::int32_t source, std::int32_t target) const {
  const Entry* entry = shards_[shard_of(source)].find(source, target);
  return entry == nullptr ? 0.0 : static_cast<double>(entry->probability);
}

std::size_t LexicalModel::size() const {
  std::size_t sum = 0;
  for (const Shard& shard : shards_)
    sum += shard.used;
  return sum;
}

}  // namespace dragoman
