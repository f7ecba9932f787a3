// Text to pieces and back: one SentencePiece model. std-only; thread-safe once built.
//
//   Tokenizer tokenizer = Tokenizer::from_file("run/source.spm");
//   std::vector<std::int32_t> ids = tokenizer.encode("A dog runs.");
//   std::string text = tokenizer.decode(ids);
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/tokenizer_config.h"

namespace dragoman {

/// A piece and the bytes of the text that it stands for. Whitespace before a word is part of the
/// word's first piece, or a piece of its own.
struct Piece {
  std::int32_t id = 0;
  std::string text;  ///< of <unk>: the characters without a piece, a run of them or a whole word
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Text made of pieces: piece i is the bytes [ends[i - 1], ends[i]).
struct AlignedText {
  std::string text;
  std::vector<std::size_t> ends;
};

class Tokenizer {
 public:
  /// Throws DataError when the file is missing or is no SentencePiece model.
  [[nodiscard]] static Tokenizer from_file(const std::string& path);
  /// `bytes` is the content of a .model file; `origin` names it in errors (ModelError).
  [[nodiscard]] static Tokenizer from_bytes(std::string bytes, const std::string& origin);

  /// Ids of the pieces of `text`, without <s> and </s>.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text) const;
  [[nodiscard]] std::vector<std::string> encode_pieces(std::string_view text) const;
  [[nodiscard]] std::vector<Piece> encode_aligned(std::string_view text) const;
  /// Text of `ids`; special ids are left out, <unk> becomes " ⁇ " as in SentencePiece.
  [[nodiscard]] std::string decode(std::span<const std::int32_t> ids) const;

  /// Text of pieces, which may be strings that the model does not have; those of special ids give
  /// nothing.
  [[nodiscard]] AlignedText decode_aligned(const std::vector<std::string>& pieces) const;

  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] std::string piece(std::int32_t id) const;
  [[nodiscard]] std::int32_t id(std::string_view piece) const;
  [[nodiscard]] std::int32_t unknown_id() const;
  [[nodiscard]] std::int32_t end_id() const;    ///< </s>
  [[nodiscard]] std::int32_t begin_id() const;  ///< <s>, or </s> when the model has no <s>
  [[nodiscard]] std::int32_t pad_id() const;    ///< <pad>, or </s> when the model has no <pad>
  /// The content of the .model file, to be stored with a model.
  [[nodiscard]] const std::string& bytes() const;

 private:
  struct State;
  explicit Tokenizer(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

/// Trains a SentencePiece model on lines and returns the content of its .model file. It has
/// `vocabulary_size` pieces; of type char it has fewer when the lines have fewer characters. For
/// the other types a size too large for the lines is a DataError that names the greatest possible
/// one. Types char and word leave the rarest characters or words out; for bpe and unigram a size
/// below the number of characters is a DataError.
[[nodiscard]] std::string train_tokenizer(const TokenizerConfig& config,
                                          const std::vector<std::string>& lines);

}  // namespace dragoman
