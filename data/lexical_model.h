// IBM model 1 (Brown et al. 1993): t(target word | source word), by expectation maximisation over
// sentence pairs. The corpus is visited block by block, as often as there are iterations; only the
// pairs of words that stand in one sentence pair are kept in memory, 24 bytes each. The result
// depends on the order of the corpus, but not on the number of threads.
//
//   LexicalModel model(source_words, target_words, threads);
//   for (int iteration = 0; iteration < 5; ++iteration) {
//     while (read(block)) model.add(block);
//     model.maximize();
//   }
//   model.best(100)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dragoman {

/// Ids of a sentence pair, without </s>.
struct TokenPair {
  std::vector<std::int32_t> source;
  std::vector<std::int32_t> target;
};

class LexicalModel {
 public:
  struct Translation {
    std::int32_t word;
    float probability;
  };

  LexicalModel(std::int64_t source_words, std::int64_t target_words, std::int64_t threads);

  /// Expected counts of pairs whose ids are below the numbers of words. Each source sentence has an
  /// empty word beside its own.
  void add(std::span<const TokenPair> pairs);
  /// Ends an iteration: counts become probabilities. The first one starts from equal ones.
  void maximize();

  /// Of each source word the `count` most probable translations, best first; of equal ones the
  /// smaller id comes first.
  [[nodiscard]] std::vector<std::vector<Translation>> best(std::size_t count) const;
  /// t(target | source); 0 for words that never stood in one pair.
  [[nodiscard]] double probability(std::int32_t source, std::int32_t target) const;
  /// How often each target word stood in the first iteration's pairs.
  [[nodiscard]] const std::vector<std::int64_t>& frequencies() const { return frequencies_; }
  /// Pairs of words in memory.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Entry {
    std::int32_t source = -1;  ///< -1: a free place
    std::int32_t target = 0;
    float probability = 0.0f;
    double count = 0.0;
  };
  /// A part of the source words; open addressing.
  struct Shard {
    std::vector<Entry> entries;
    std::size_t used = 0;
    [[nodiscard]] const Entry* find(std::int32_t source, std::int32_t target) const;
    Entry& place(std::int32_t source, std::int32_t target);
    void grow();
  };
  /// A source word in a block; place -1: the empty word.
  struct Occurrence {
    std::size_t pair;
    std::int64_t place;
  };
  [[nodiscard]] std::int32_t word_at(const TokenPair& pair, std::int64_t place) const;
  [[nodiscard]] static std::size_t shard_of(std::int32_t source);
  /// Of each target word, the sum of its probabilities given all source words.
  void sum_probabilities(const TokenPair& pair, std::vector<double>& sums) const;

  std::int32_t empty_word_;  ///< behind the source words
  std::int64_t threads_;
  bool is_first_ = true;
  std::vector<Shard> shards_;
  std::vector<std::int64_t> frequencies_;
};

}  // namespace dragoman
