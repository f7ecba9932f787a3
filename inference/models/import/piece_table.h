// The pieces of a foreign vocabulary by number, filled place by place.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dragoman/data/sentencepiece_model.h"
#include "dragoman/inference/models/import/foreign_folder.h"

namespace dragoman {

class PieceTable {
 public:
  /// `origin` names the file in errors.
  PieceTable(std::int64_t size, std::string origin);

  /// Throws ModelError: no such place, or it or the text is taken.
  void put(std::int64_t id, VocabularyPiece piece);
  void put(std::int64_t id, const std::string& text, PieceKind kind) {
    put(id, {.text = text, .score = 0.0f, .kind = kind});
  }
  [[nodiscard]] bool holds(const std::string& text) const { return places_.contains(text); }
  [[nodiscard]] bool is_free(std::int64_t id) const;
  /// Throws ModelError when there is none.
  [[nodiscard]] const std::string& text(std::int64_t id) const;
  /// Places that nothing was put into hold pieces that no text is cut into.
  [[nodiscard]] std::vector<VocabularyPiece> pieces() const;

 private:
  std::vector<VocabularyPiece> pieces_;  ///< without text: free
  std::map<std::string, std::int64_t> places_;
  std::string origin_;
};

/// Of UTF-8.
[[nodiscard]] bool is_one_character(const std::string& text);

/// Pieces that a folder adds to its SentencePiece model, by number: from tokenizer_config.json,
/// added_tokens.json or tokenizer.json, whichever is there first.
[[nodiscard]] std::map<std::int64_t, std::string> added_pieces(const ForeignFolder& folder);

/// A vocab.json: pieces by number. Throws ModelError unless the numbers are 0, 1, ... below
/// `size`, each once.
[[nodiscard]] std::vector<std::string> numbered_pieces(const Settings& file, std::int64_t size);

}  // namespace dragoman
