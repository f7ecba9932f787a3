// The best words of a mixture of generating and copying, from the best generated words and what is
// copied. Plain memory, no LibTorch.
#pragma once

#include <cstdint>
#include <span>

namespace dragoman {

/// One row: p(w) = e^log_generate softmax_w + e^log_copy times the sum of e^log_weights_i over
/// positions i whose word is w.
struct CopyRow {
  const float* logits = nullptr;  ///< [vocabulary], or of `generated`
  std::int64_t vocabulary = 0;
  /// Sorted: the words that can be generated, to which the logits belong. Empty: all.
  std::span<const std::int64_t> generated = {};
  float log_sum = 0.0f;  ///< log of the sum of e^logits
  float log_generate = 0.0f;
  float log_copy = 0.0f;
  std::span<const float> log_weights;   ///< [S]
  std::span<const std::int64_t> words;  ///< [S] word of each position; below 0: none
  std::span<const std::int32_t> first;  ///< [S] the first position with the same word
  std::span<const std::int64_t> forbidden;
};

/// ids, values [count]: on entry the best generated words, log softmax, best first, -1 after the
/// last; on return the best words of the mixture and their log-probabilities. No word outside both
/// lists can be among them. mass [S]: scratch.
void mix_copies(const CopyRow& row, std::span<std::int64_t> ids, std::span<float> values,
                std::span<float> mass);

/// out [vocabulary + extra words], on entry minus infinity past the vocabulary: log p(w) of every
/// word. mass [S]: scratch.
void whole_mixture(const CopyRow& row, std::span<float> out, std::span<float> mass);

/// What the mixture says of one word.
struct MixedWord {
  float log_prob = 0.0f;
  float copied = 0.0f;         ///< the part of its probability that copying has
  std::int64_t position = -1;  ///< that yields it with the greatest weight; -1: none does
};
[[nodiscard]] MixedWord mixed_word(const CopyRow& row, std::int64_t word);

}  // namespace dragoman
