// The output projection of a batch: onto all words, or for each sentence onto those that a
// shortlist leaves it. The product is with all words that any sentence has; each then sees its own
// alone, so that what it becomes does not depend on the sentences beside it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dragoman/inference/engine/network.h"

namespace dragoman::engine {

class OutputWords {
 public:
  /// All words. `network` must outlive it.
  explicit OutputWords(const Network& network) : projection_(&network.output) {}

  OutputWords(const OutputWords&) = delete;
  OutputWords& operator=(const OutputWords&) = delete;

  /// From now on only these words of each sentence: sorted, each once, below the vocabulary's size.
  void select(std::vector<std::vector<std::int64_t>> words);

  /// Columns of the product.
  [[nodiscard]] std::int64_t columns() const { return projection_->matrix.outputs(); }
  /// hidden [rows, D] -> out [rows, columns()].
  void multiply(const float* hidden, std::int64_t rows, float* out, Scratch& scratch) const {
    (*projection_)(hidden, rows, out, scratch);
  }
  [[nodiscard]] bool are_selected() const { return !words_.empty(); }
  /// Those of a sentence, counted as in the sources; empty: all.
  [[nodiscard]] std::span<const std::int64_t> words(std::int64_t sentence) const {
    return are_selected() ? words_[static_cast<std::size_t>(sentence)]
                          : std::span<const std::int64_t>();
  }
  /// The logits of the sentence's words: `row` of the product, or what is taken from it into
  /// `memory`.
  [[nodiscard]] float* own_logits(float* row, std::int64_t sentence,
                                  std::vector<float>& memory) const;
  /// Numbers in the sentence's logits of those of `words` that it has.
  [[nodiscard]] std::vector<std::int64_t> places_of(std::span<const std::int64_t> words,
                                                    std::int64_t sentence) const;

 private:
  const Linear* projection_;
  Linear selected_;
  std::vector<std::vector<std::int64_t>> words_;    ///< of each sentence
  std::vector<std::vector<std::int32_t>> columns_;  ///< of each sentence's words in the product
};

}  // namespace dragoman::engine
