// Vocabularies that are lists of tokens, made into tokenisers whose pieces have the same numbers.
#pragma once

#include <string>
#include <vector>

#include "dragoman/data/sentencepiece_model.h"

namespace dragoman {

/// One side of a model.
struct TokenList {
  std::vector<std::string> tokens;  ///< by number
  SpecialPieces special;            ///< those among them that stand for no text
  std::string origin;               ///< names the list in errors
};

/// The content of a .model file. `tokenizer` is the path of the SentencePiece model whose pieces
/// the tokens are; a text that it cuts into a piece that is no token is cut in another way, which
/// `notes` gets a word about. Empty: tokens are what stands between whitespace. Throws ModelError:
/// tokens that occur twice, no <unk> or </s> among them, tokens of SentencePiece without its model
/// (`option` is what to name it by). DataError: no such file.
[[nodiscard]] std::string list_tokenizer(const TokenList& list, const std::string& tokenizer,
                                         const std::string& option,
                                         std::vector<std::string>& notes);

}  // namespace dragoman
