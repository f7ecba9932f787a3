// What the outputs of a batch must hold and must not hold, in token ids: what a caller asks for
// beside the options that are numbers. Standard library only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dragoman {

/// Of one sentence. Without </s>.
struct SentenceDemands {
  std::vector<std::int64_t> prefix;                ///< the output begins with it
  std::vector<std::vector<std::int64_t>> phrases;  ///< the output holds each, kMostPhrases at most
  /// Mixed with the seed when outputs are drawn: sentences of different numbers draw independently.
  std::uint64_t number = 0;
  /// So many words of the prefix begin every output of the model (a language tag): they count as
  /// certain, with log-probability 0.
  std::int64_t certain = 0;
};

struct SearchDemands {
  std::vector<std::vector<std::int64_t>> suppressed;  ///< sequences that no output holds
  /// Of each word of the vocabulary: it would go on with the word before it, so that a phrase
  /// before it would be part of a longer word. Empty: none would.
  std::vector<bool> continues_word;
  std::vector<SentenceDemands> sentences;  ///< one per sentence, or empty: nothing of any

  [[nodiscard]] const SentenceDemands& of(std::int64_t sentence) const {
    static const SentenceDemands kNothing;
    return sentences.empty() ? kNothing : sentences[static_cast<std::size_t>(sentence)];
  }
  /// Those of `which` of the sentences.
  [[nodiscard]] SearchDemands select(std::span<const std::int64_t> which) const {
    SearchDemands selected{suppressed, continues_word, {}};
    for (const std::int64_t sentence : which)
      selected.sentences.push_back(of(sentence));
    return selected;
  }
};

}  // namespace dragoman
