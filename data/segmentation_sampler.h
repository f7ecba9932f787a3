// Other segmentations of a text into the same pieces, for training: BPE-dropout (Provilkov et al.
// 2020, algorithm 1) with a BPE model, samples of the unigram model (Kudo 2018, l = infinity) with
// a unigram model. SentencePiece draws from one generator of its own per thread, so that a line's
// pieces would depend on the lines before it; here they depend on the seed alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dragoman/data/random.h"
#include "dragoman/data/tokenizer.h"

namespace dragoman {

/// How one side of the training pairs is cut.
struct SamplingOptions {
  double dropout = 0.0;  ///< BPE: probability that a merge is left out; 0: off
  double alpha = 0.0;    ///< unigram: exponent of a segmentation's probability; 0: off

  [[nodiscard]] bool is_on() const { return dropout > 0.0 || alpha > 0.0; }
  bool operator==(const SamplingOptions&) const = default;
};

class SegmentationSampler {
 public:
  /// `side` ("source") names the setting in errors. Throws UsageError when the options are not for
  /// the type of the tokeniser.
  SegmentationSampler(const Tokenizer& tokenizer, const SamplingOptions& options,
                      std::string_view side);

  enum class Draw {
    independent,  ///< each word by itself
    by_word       ///< the same words are cut alike, on whichever side of a pair they stand
  };
  /// Cuts the words of `pieces`, which encode_aligned gave for `text`, anew. Pieces that are not
  /// ordinary ones (<unk>, bytes, user symbols) stay, and a word stays whose characters are not all
  /// pieces.
  [[nodiscard]] std::vector<Piece> resample(const std::vector<Piece>& pieces, std::string_view text,
                                            std::uint64_t seed, Draw draw) const;

 private:
  struct Entry {
    std::int32_t id;
    float score;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  using Ends = std::vector<std::size_t>;  ///< of the pieces of a word, in bytes

  [[nodiscard]] const Entry* find(std::string_view piece) const;
  [[nodiscard]] std::optional<Ends> drop_merges(std::string_view word, Random& random) const;
  [[nodiscard]] std::optional<Ends> sample_path(std::string_view word, Random& random) const;

  SamplingOptions options_;
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> pieces_;  ///< ordinary ones
  std::vector<bool> is_ordinary_;                                         ///< by id
  std::size_t longest_ = 0;                                               ///< piece, in bytes
  bool are_words_apart_ = true;  ///< no piece holds the mark of whitespace but at its begin
};

}  // namespace dragoman
