// The pieces of a SentencePiece model file, and the file with other ones: how the numbers of pieces
// become those of a foreign model's vocabulary, so that its matrices need not be reordered.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dragoman {

/// Numbers as in sentencepiece_model.proto. unused: no text is cut into it.
enum class PieceKind {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6
};

struct VocabularyPiece {
  std::string text;
  float score = 0.0f;
  PieceKind kind = PieceKind::normal;
};

/// Which pieces play the special parts; "": none does.
struct SpecialPieces {
  std::string unknown;
  std::string begin;
  std::string end;
  std::string pad;
};

/// The pieces of a .model file, in order. Throws ModelError that begins with `origin` when `bytes`
/// are none.
[[nodiscard]] std::vector<VocabularyPiece> sentencepiece_pieces(std::string_view bytes,
                                                                const std::string& origin);

/// As in sentencepiece_model.proto.
enum class SegmentationModel { unigram = 1, merging = 2, words = 3 };

/// How text becomes pieces.
struct SegmentationRules {
  SegmentationModel model = SegmentationModel::unigram;
  bool byte_fallback = false;  ///< what no piece covers becomes bytes
  bool prefix_space = true;    ///< texts begin as if a space stood in front of them
  std::string characters;      ///< normalizer_spec.precompiled_charsmap; "": none is changed
};

/// A .model file with these rules, for with_pieces().
[[nodiscard]] std::string sentencepiece_without_pieces(const SegmentationRules& rules);

/// The .model file `bytes` with `pieces` in place of its own; normalisation and type stay.
[[nodiscard]] std::string with_pieces(std::string_view bytes,
                                      const std::vector<VocabularyPiece>& pieces,
                                      const SpecialPieces& special);

/// A model file of its own: texts are cut at whitespace, each word is a piece (with the mark of
/// whitespace in front) or unknown, and nothing is normalised.
[[nodiscard]] std::string word_model(const std::vector<VocabularyPiece>& pieces,
                                     const SpecialPieces& special);

/// Whether pieces are merged (BPE) and not chosen by their probabilities (unigram).
[[nodiscard]] bool is_merging(std::string_view bytes);

}  // namespace dragoman
