#include "dragoman/inference/models/import/token_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/data/piece_text.h"
#include "dragoman/inference/models/import/piece_table.h"

namespace dragoman {
namespace {

/// What stands for no text, or nothing.
std::optional<PieceKind> special_kind(const std::string& token, const SpecialPieces& special) {
  if (token == special.unknown) return PieceKind::unknown;
  if (token == special.begin || token == special.end || token == special.pad)
    return PieceKind::control;
  return {};
}

std::string words_between_spaces(const TokenList& list, const std::string& option) {
  PieceTable table(std::ssize(list.tokens), list.origin);
  for (std::size_t id = 0; id < list.tokens.size(); ++id) {
    const std::string& token = list.tokens[id];
    const auto place = static_cast<std::int64_t>(id);
    if (const auto kind = special_kind(token, list.special)) {
      table.put(place, token, *kind);
      continue;
    }
    if (token.find(kSpace) != std::string::npos || token.find(' ') != std::string::npos)
      throw ModelError(
          fmt::format("{}: '{}' is a piece of SentencePiece. Name the model that cut the texts: {} "
                      "FILE.model",
                      list.origin, token, option));
    table.put(place, std::string(kSpace) + token, PieceKind::normal);
  }
  return word_model(table.pieces(), list.special);
}

}  // namespace

std::string list_tokenizer(const TokenList& list, const std::string& tokenizer,
                           const std::string& option, std::vector<std::string>& notes) {
  for (const std::string& needed : {list.special.unknown, list.special.end})
    if (std::ranges::find(list.tokens, needed) == list.tokens.end())
      throw ModelError(fmt::format("{}: has no {}, which is needed.", list.origin, needed));
  if (tokenizer.empty()) return words_between_spaces(list, option);
  const std::string model = read_file(tokenizer);
  std::map<std::string, VocabularyPiece> own;
  float lowest = 0.0f;
  for (const VocabularyPiece& piece : sentencepiece_pieces(model, tokenizer)) {
    own.emplace(piece.text, piece);
    if (piece.kind == PieceKind::normal) lowest = std::min(lowest, piece.score);
  }
  PieceTable table(std::ssize(list.tokens), list.origin);
  const std::set<std::string> known(list.tokens.begin(), list.tokens.end());
  std::size_t foreign = 0;
  for (std::size_t id = 0; id < list.tokens.size(); ++id) {
    const std::string& token = list.tokens[id];
    const auto place = static_cast<std::int64_t>(id);
    const auto found = own.find(token);
    if (const auto kind = special_kind(token, list.special)) {
      table.put(place, token, *kind);
    } else if (found != own.end()) {
      table.put(place, found->second);
    } else {
      ++foreign;
      // Pieces could be merged by way of one that a merging model has not.
      const std::string text = is_merging(model) ? fmt::format("<word {}>", id) : token;
      table.put(place, {.text = text, .score = lowest, .kind = PieceKind::unused});
    }
  }
  const auto lost = std::ranges::count_if(own, [&](const auto& entry) {
    return entry.second.kind == PieceKind::normal && !known.contains(entry.first);
  });
  if (lost > 0)
    notes.push_back(fmt::format(
        "{}: {} of its pieces are no words of the model: texts with them are cut in another way, "
        "where the original reads <unk>",
        tokenizer, lost));
  if (foreign > 0)
    notes.push_back(fmt::format("{}: {} words are no pieces of {}: no text is cut into them",
                                list.origin, foreign, tokenizer));
  return with_pieces(model, table.pieces(), list.special);
}

}  // namespace dragoman
