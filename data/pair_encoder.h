// Sentence pairs to ids and back, with what a copy head needs: which target word each source
// position yields when it is copied. A source piece that the target tokeniser has yields that
// piece. What it lacks (characters that no piece covers, words of a word model, pieces of a
// separate source vocabulary) yields an extra word, numbered from the target vocabulary's size on,
// anew for each sentence, which decodes to the very bytes that stood in the source. Thread-safe.
//
//   const PairEncoder encoder(source, target, {.enabled = true});
//   const EncodedSource source = encoder.encode_source("Ask 李明 about it.");
//   encoder.decode(ids, source).text
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/batch.h"
#include "dragoman/data/segmentation_sampler.h"
#include "dragoman/data/side.h"
#include "dragoman/data/span_patterns.h"
#include "dragoman/data/text_range.h"
#include "dragoman/data/tokenizer.h"
#include "dragoman/data/word_links.h"

namespace dragoman {

class MaskedText;

struct CopyOptions {
  bool enabled = false;
  std::int64_t extra_words = 64;  ///< per sentence, at most; further ones are <unk>
  /// Parts of a text that become one extra word each: names or expressions of span_patterns.h. In
  /// training those that both sides hold; sources alone protect all.
  std::vector<std::string> protect = {};

  bool operator==(const CopyOptions&) const = default;
};

/// What stands around the pieces of a text: in front of every sequence language tags, behind every
/// source </s>.
struct SequenceFrame {
  std::vector<std::string> source = {};
  std::vector<std::string> target = {};
  bool source_end = true;
};

/// Without </s>.
struct EncodedSource {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> copy_ids;       ///< as long as ids; empty without copying
  std::vector<TextRange> ranges;            ///< of each id in the text; empty without copying
  std::vector<std::string> extra_words;     ///< as target pieces; word k has the id V + k
  std::vector<std::string> surfaces;        ///< of each extra word: the source's own bytes
  std::vector<std::int64_t> protected_ids;  ///< extra words that an output must hold exactly once
};

struct DecodedTarget {
  std::string text;
  std::vector<TextRange> ranges;  ///< of each id in the text, without leading whitespace
};

/// How a training pair becomes tokens.
struct EncodeOptions {
  std::int64_t max_source_length = 0;  ///< sources are cut to so many tokens; 0: never
  /// Segmentations are drawn, as PairEncoder::sampling said, from the seed and the texts alone.
  /// With a copy head a word that stands on both sides is then cut alike when both sides are
  /// sampled in the same way with one tokeniser, so that it can still be copied.
  std::optional<std::uint64_t> seed;
  std::span<const WordLink> links;  ///< between the words of the texts: become links of tokens
};

class PairEncoder {
 public:
  PairEncoder(Tokenizer source, Tokenizer target, const CopyOptions& options = {});

  [[nodiscard]] const Tokenizer& source() const { return source_; }
  [[nodiscard]] const Tokenizer& target() const { return target_; }
  [[nodiscard]] const CopyOptions& options() const { return options_; }
  [[nodiscard]] SpecialIds special_ids() const;
  /// The same with other protected spans.
  [[nodiscard]] PairEncoder protecting(const std::vector<std::string>& patterns) const;

  /// The same with segmentations that are drawn wherever a seed is given. Throws UsageError when
  /// the tokenisers are of another type.
  [[nodiscard]] PairEncoder sampling(const SamplingOptions& source,
                                     const SamplingOptions& target) const;
  /// The same with pieces in front of sources, and of the targets of training pairs, and with or
  /// without </s> behind sources. Throws UsageError for pieces that a tokeniser does not have, and
  /// with a copy head.
  [[nodiscard]] PairEncoder framing(const SequenceFrame& frame) const;
  /// What outputs begin with. encode_target leaves it out.
  [[nodiscard]] const std::vector<std::int32_t>& target_prefix() const { return target_prefix_; }
  [[nodiscard]] const SamplingOptions& source_sampling() const { return source_sampling_; }
  [[nodiscard]] const SamplingOptions& target_sampling() const { return target_sampling_; }
  [[nodiscard]] bool is_sampling() const {
    return source_sampling_.is_on() || target_sampling_.is_on();
  }

  [[nodiscard]] EncodedSource encode_source(std::string_view text) const;
  /// Extra words of `source` keep their ids. A word that both sides have, that the source spells
  /// with extra words and the target with several pieces, is spelled as in the source.
  [[nodiscard]] std::vector<std::int32_t> encode_target(std::string_view text,
                                                        const EncodedSource& source) const;
  [[nodiscard]] Example encode(std::string_view source, std::string_view target,
                               const EncodeOptions& options = {}) const;
  /// Shortens `source` to `max_length` tokens and forgets the words that only stood behind; false:
  /// it was not longer.
  bool cut(EncodedSource& source, std::int64_t max_length) const;

  /// `ids` without </s>. Extra words come out as they stood in the source. Throws ModelError for
  /// ids that neither the target tokeniser nor `source` has.
  [[nodiscard]] DecodedTarget decode(std::span<const std::int64_t> ids,
                                     const EncodedSource& source) const;
  /// The piece of an id; of an extra word its surface, with a mark of whitespace before a word.
  [[nodiscard]] std::string piece(std::int64_t id, const EncodedSource& source) const;
  /// What `text` holds that protection applies to.
  [[nodiscard]] std::vector<TextRange> protected_spans(std::string_view text) const {
    return patterns_.find(text);
  }

 private:
  using Seed = std::optional<std::uint64_t>;
  /// Ids, and the bytes of the text that each stands for.
  struct Tokens {
    std::vector<std::int32_t> ids;
    std::vector<TextRange> ranges;
  };
  /// In front of `tokens`, unless there are none.
  static void prepend(const std::vector<std::int32_t>& prefix, Tokens& tokens);
  [[nodiscard]] std::vector<Piece> draw(std::vector<Piece> pieces, std::string_view text, Side side,
                                        Seed seed) const;
  [[nodiscard]] EncodedSource encode_masked(std::string_view text, const MaskedText& masked,
                                            Seed seed) const;
  [[nodiscard]] std::int32_t target_piece(const Piece& piece) const;
  std::int32_t extra_word(const std::string& piece, std::string_view surface,
                          EncodedSource& encoded) const;
  enum class Ranges { unwanted, wanted };
  [[nodiscard]] Tokens encode_plain(std::string_view text, Side side, Seed seed,
                                    Ranges ranges) const;
  [[nodiscard]] Tokens encode_seeded(std::string_view text, const EncodedSource& source, Seed seed,
                                     Ranges ranges) const;
  [[nodiscard]] Tokens spell(const MaskedText& masked, const EncodedSource& source,
                             Seed seed) const;

  Tokenizer source_;
  Tokenizer target_;
  CopyOptions options_;
  SpanPatterns patterns_;
  SamplingOptions source_sampling_;
  SamplingOptions target_sampling_;
  std::vector<std::int32_t> source_prefix_;
  std::vector<std::int32_t> target_prefix_;
  bool source_end_ = true;
  std::shared_ptr<const SegmentationSampler> source_sampler_;  ///< null: never
  std::shared_ptr<const SegmentationSampler> target_sampler_;
  /// Target id of each source piece, -1: the target has none. Null: one vocabulary.
  std::shared_ptr<const std::vector<std::int32_t>> target_of_source_;
};

}  // namespace dragoman
