// tokenizer.json as transformers 5 saves it in place of a SentencePiece model: what was made of
// such a model becomes one again, with the numbers that the words have in it.
#pragma once

#include <cstdint>
#include <string>

#include "dragoman/inference/models/import/foreign_folder.h"
#include "dragoman/inference/models/import/piece_table.h"

namespace dragoman {

struct JsonTokenizer {
  std::string model;    ///< a SentencePiece model without pieces
  PieceTable table;     ///< its pieces
  std::string unknown;  ///< the one for what no piece covers
};

/// Of a model of `size` words. Throws ModelError: damaged, or a tokeniser of another kind
/// (byte-level BPE, WordPiece).
[[nodiscard]] JsonTokenizer read_tokenizer_json(const ForeignFolder& folder, std::int64_t size);

}  // namespace dragoman
