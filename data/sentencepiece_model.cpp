#include "dragoman/data/sentencepiece_model.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "dragoman/data/error.h"
#include "dragoman/data/message_reader.h"

namespace dragoman {

namespace {

// sentencepiece_model.proto: ModelProto, its SentencePiece, its TrainerSpec.
constexpr std::uint64_t kPieces = 1;
constexpr std::uint64_t kTrainer = 2;
constexpr std::uint64_t kText = 1;
constexpr std::uint64_t kScore = 2;
constexpr std::uint64_t kKind = 3;
constexpr std::uint64_t kModelType = 3;
constexpr std::uint64_t kVocabularySize = 4;
constexpr std::uint64_t kUnknownId = 40;  // then begin, end, pad
constexpr std::uint64_t kUnknownPiece = 45;
constexpr std::uint64_t kByteFallback = 35;
// Its NormalizerSpec.
constexpr std::uint64_t kNormalizer = 3;
constexpr std::uint64_t kCharacters = 2;
constexpr std::uint64_t kPrefixSpace = 3;

/// Writes the fields of a message.
class MessageWriter {
 public:
  void number(std::uint64_t field, std::uint64_t value) {
    varint(field << 3);
    varint(value);
  }
  void real(std::uint64_t field, float value) {
    varint(field << 3 | 5);
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8)
      bytes_ += static_cast<char>(bits >> shift & 0xFF);
  }
  void content(std::uint64_t field, std::string_view content) {
    varint(field << 3 | 2);
    varint(content.size());
    bytes_ += content;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      bytes_ += static_cast<char>((value & 0x7F) | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

VocabularyPiece read_piece(std::string_view bytes, const std::string& origin) {
  VocabularyPiece piece;
  MessageReader fields(bytes);
  while (fields.next()) {
    if (fields.number() == kText) {
      piece.text = fields.content();
    } else if (fields.number() == kScore && fields.content().size() == sizeof(float)) {
      std::memcpy(&piece.score, fields.content().data(), sizeof(float));
    } else if (fields.number() == kKind && fields.value() >= 1 && fields.value() <= 6) {
      piece.kind = static_cast<PieceKind>(fields.value());
    }
  }
  if (fields.is_damaged() || piece.text.empty())
    throw ModelError(fmt::format("{}: a piece is damaged. Take another copy.", origin));
  return piece;
}

/// Later fields of a message replace earlier ones.
std::string with_special(std::string_view trainer, const SpecialPieces& special,
                         const std::vector<VocabularyPiece>& pieces) {
  MessageWriter added;
  added.number(kVocabularySize, pieces.size());
  std::uint64_t place = 0;
  for (const std::string& name : {special.unknown, special.begin, special.end, special.pad}) {
    std::uint64_t id = ~std::uint64_t{0};  // -1: there is none
    for (std::size_t index = 0; index < pieces.size() && !name.empty(); ++index)
      if (pieces[index].text == name) id = index;
    added.number(kUnknownId + place, id);
    // A name that no piece has stands for none.
    added.content(kUnknownPiece + place, name.empty() ? "<none>" : name);
    ++place;
  }
  return std::string(trainer) + added.bytes();
}

}  // namespace

std::vector<VocabularyPiece> sentencepiece_pieces(std::string_view bytes,
                                                  const std::string& origin) {
  std::vector<VocabularyPiece> pieces;
  MessageReader fields(bytes);
  while (fields.next())
    if (fields.number() == kPieces) pieces.push_back(read_piece(fields.content(), origin));
  if (fields.is_damaged() || pieces.empty())
    throw ModelError(fmt::format(
        "{}: is no SentencePiece model, or damaged. Give the .model file that spm_train wrote.",
        origin));
  return pieces;
}

std::string sentencepiece_without_pieces(const SegmentationRules& rules) {
  MessageWriter trainer;
  trainer.number(kModelType, static_cast<std::uint64_t>(rules.model));
  trainer.number(kByteFallback, rules.byte_fallback ? 1 : 0);
  MessageWriter normalizer;
  if (!rules.characters.empty()) normalizer.content(kCharacters, rules.characters);
  normalizer.number(kPrefixSpace, rules.prefix_space ? 1 : 0);
  MessageWriter model;
  model.content(kTrainer, trainer.bytes());
  model.content(kNormalizer, normalizer.bytes());
  return model.bytes();
}

std::string with_pieces(std::string_view bytes, const std::vector<VocabularyPiece>& pieces,
                        const SpecialPieces& special) {
  MessageWriter model;
  for (const VocabularyPiece& piece : pieces) {
    MessageWriter fields;
    fields.content(kText, piece.text);
    fields.real(kScore, piece.score);
    fields.number(kKind, static_cast<std::uint64_t>(piece.kind));
    model.content(kPieces, fields.bytes());
  }
  MessageReader fields(bytes);
  std::string trainer;
  while (fields.next()) {
    if (fields.number() == kTrainer)
      trainer += fields.content();
    else if (fields.number() != kPieces && !fields.content().empty())
      model.content(fields.number(), fields.content());
  }
  model.content(kTrainer, with_special(trainer, special, pieces));
  return model.bytes();
}

std::string word_model(const std::vector<VocabularyPiece>& pieces, const SpecialPieces& special) {
  return with_pieces(sentencepiece_without_pieces({.model = SegmentationModel::words}), pieces,
                     special);
}

bool is_merging(std::string_view bytes) {
  std::uint64_t type = static_cast<std::uint64_t>(SegmentationModel::unigram);
  MessageReader fields(bytes);
  while (fields.next()) {
    if (fields.number() != kTrainer) continue;
    MessageReader trainer(fields.content());
    while (trainer.next())
      if (trainer.number() == kModelType) type = trainer.value();
  }
  return type == static_cast<std::uint64_t>(SegmentationModel::merging);
}

}  // namespace dragoman
