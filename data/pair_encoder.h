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
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/batch.h"
#include "dragoman/data/span_patterns.h"
#include "dragoman/data/text_range.h"
#include "dragoman/data/tokenizer.h"

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

class PairEncoder {
 public:
  PairEncoder(Tokenizer source, Tokenizer target, const CopyOptions& options = {});

  [[nodiscard]] const Tokenizer& source() const { return source_; }
  [[nodiscard]] const Tokenizer& target() const { return target_; }
  [[nodiscard]] const CopyOptions& options() const { return options_; }
  [[nodiscard]] SpecialIds special_ids() const;
  /// The same with other protected spans.
  [[nodiscard]] PairEncoder protecting(const std::vector<std::string>& patterns) const;

  [[nodiscard]] EncodedSource encode_source(std::string_view text) const;
  /// Extra words of `source` keep their ids. A word that both sides have, that the source spells
  /// with extra words and the target with several pieces, is spelled as in the source.
  [[nodiscard]] std::vector<std::int32_t> encode_target(std::string_view text,
                                                        const EncodedSource& source) const;
  /// Sources are cut to `max_source_length` tokens; 0: never. `links` between the words of the
  /// texts become links between tokens.
  [[nodiscard]] Example encode(std::string_view source, std::string_view target,
                               std::int64_t max_source_length = 0,
                               std::span<const WordLink> links = {}) const;
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
  [[nodiscard]] EncodedSource encode_masked(std::string_view text, const MaskedText& masked) const;
  std::int32_t extra_word(const std::string& piece, std::string_view surface,
                          EncodedSource& encoded) const;
  /// Ids, and the bytes of the text that each stands for.
  struct EncodedTarget {
    std::vector<std::int32_t> ids;
    std::vector<TextRange> ranges;
  };
  [[nodiscard]] EncodedTarget encode_target_aligned(std::string_view text,
                                                    const EncodedSource& source) const;
  [[nodiscard]] EncodedTarget spell(const MaskedText& masked, const EncodedSource& source) const;

  Tokenizer source_;
  Tokenizer target_;
  CopyOptions options_;
  SpanPatterns patterns_;
  /// Target id of each source piece, -1: the target has none. Null: one vocabulary.
  std::shared_ptr<const std::vector<std::int32_t>> target_of_source_;
};

}  // namespace dragoman
