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
#include "dragoman/data/tokenizer.h"

namespace dragoman {

struct CopyOptions {
  bool enabled = false;
  std::int64_t extra_words = 64;  ///< per sentence, at most; further ones are <unk>

  bool operator==(const CopyOptions&) const = default;
};

/// Bytes [begin, end) of a text.
struct TextRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Without </s>.
struct EncodedSource {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> copy_ids;    ///< as long as ids; empty without copying
  std::vector<TextRange> ranges;         ///< of each id in the text; empty without copying
  std::vector<std::string> extra_words;  ///< as target pieces; word k has the id V + k
  std::vector<TextRange> extra_ranges;   ///< where each stands first
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

  [[nodiscard]] EncodedSource encode_source(std::string_view text) const;
  /// Extra words of `source` keep their ids. A word that both sides have, that the source spells
  /// with extra words and the target with several pieces, is spelled as in the source.
  [[nodiscard]] std::vector<std::int32_t> encode_target(std::string_view text,
                                                        const EncodedSource& source) const;
  [[nodiscard]] Example encode(std::string_view source, std::string_view target) const;

  /// `ids` without </s>. Extra words come out as they stand in `source_text`. Throws ModelError for
  /// ids that neither the target tokeniser nor `source` has.
  [[nodiscard]] DecodedTarget decode(std::span<const std::int64_t> ids, const EncodedSource& source,
                                     std::string_view source_text) const;
  /// The piece of an id, extra words included.
  [[nodiscard]] std::string piece(std::int64_t id, const EncodedSource& source) const;

 private:
  std::int32_t extra_word(const std::string& piece, const TextRange& range, std::string_view text,
                          EncodedSource& encoded) const;

  Tokenizer source_;
  Tokenizer target_;
  CopyOptions options_;
  /// Target id of each source piece, -1: the target has none. Null: one vocabulary.
  std::shared_ptr<const std::vector<std::int32_t>> target_of_source_;
};

}  // namespace dragoman
