#include "dragoman/data/split_pieces.h"

#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "dragoman/data/piece_text.h"

namespace dragoman {

namespace {

/// The starts of the words in a piece: 0, and every later mark of whitespace.
std::vector<std::size_t> word_starts(const std::string& piece) {
  std::vector<std::size_t> starts{0};
  for (std::size_t at = piece.find(kSpace, 1); at != std::string::npos;
       at = piece.find(kSpace, at + kSpace.size()))
    starts.push_back(at);
  return starts;
}

/// SentencePiece joins neighbouring unknown words; to be copied one by one they are parted again.
/// When the text holds another number of words than the piece, normalisation changed the
/// whitespace, and they stay together.
std::vector<Piece> split_unknown(const Piece& piece, std::string_view text) {
  const std::vector<std::size_t> starts = word_starts(piece.text);
  if (starts.size() == 1) return {piece};
  std::vector<TextRange> words;
  for (std::size_t at = piece.begin; at < piece.end;) {
    const std::size_t begin = at;
    while (at < piece.end && is_space(text[at]))
      ++at;
    while (at < piece.end && !is_space(text[at]))
      ++at;
    words.push_back({begin, at});
  }
  if (words.size() != starts.size()) return {piece};
  std::vector<Piece> parts;
  for (std::size_t word = 0; word < words.size(); ++word) {
    const std::size_t end = word + 1 < starts.size() ? starts[word + 1] : piece.text.size();
    parts.push_back({piece.id, piece.text.substr(starts[word], end - starts[word]),
                     words[word].begin, words[word].end});
  }
  return parts;
}

/// Parts an unknown piece at the masks in it; a mark of whitespace before a mask goes with it.
void split_at_masks(const Piece& piece, std::span<const MaskedText::Mask> masks,
                    std::vector<Piece>& parts) {
  std::string_view rest = piece.text;
  std::size_t begin = piece.begin;
  for (const MaskedText::Mask& mask : masks) {
    const std::size_t at = rest.find(mask.character);
    if (at == std::string_view::npos) continue;
    const bool is_alone = rest.substr(0, at) == kSpace;
    if (at > 0 && !is_alone)
      parts.push_back({piece.id, std::string(rest.substr(0, at)), begin, mask.masked.begin});
    parts.push_back({piece.id, (is_alone ? std::string(kSpace) : "") + mask.character,
                     mask.masked.begin, mask.masked.end});
    rest.remove_prefix(at + mask.character.size());
    begin = mask.masked.end;
  }
  if (!rest.empty()) parts.push_back({piece.id, std::string(rest), begin, piece.end});
}

}  // namespace

std::vector<Piece> encode_split(const Tokenizer& tokenizer, const MaskedText& masked) {
  std::vector<Piece> pieces;
  auto next = masked.masks().begin();
  for (const Piece& piece : tokenizer.encode_aligned(masked.text())) {
    // The bytes of a mask but the last stand for nothing yet.
    if (next != masked.masks().end() && piece.text.starts_with("<0x") && piece.begin == piece.end &&
        piece.begin == next->masked.begin)
      continue;
    const auto first = next;
    while (next != masked.masks().end() && next->masked.begin < piece.end)
      ++next;
    const bool continues_mask =
        first != masked.masks().begin() && piece.begin < std::prev(first)->masked.end;
    if (piece.id != tokenizer.unknown_id()) {
      if (first != next)
        pieces.push_back(
            {tokenizer.unknown_id(), first->character, first->masked.begin, first->masked.end});
      else if (!continues_mask)
        pieces.push_back(piece);
      continue;
    }
    for (const Piece& part : split_unknown(piece, masked.text()))
      split_at_masks(part, {first, next}, pieces);
  }
  return pieces;
}

}  // namespace dragoman
