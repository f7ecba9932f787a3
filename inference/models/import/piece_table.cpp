#include "dragoman/inference/models/import/piece_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

constexpr std::int64_t kMaxId = 10'000'000;

std::string filler(std::size_t place) {
  return fmt::format("<unused {}>", place);
}

/// "content" of an object, or a text.
std::string content_of(const nlohmann::json& token) {
  const nlohmann::json& content =
      token.is_object() && token.contains("content") ? token.at("content") : token;
  return content.is_string() ? content.get<std::string>() : "";
}

void add_piece(const nlohmann::json& id, const nlohmann::json& token,
               std::map<std::int64_t, std::string>& added) {
  std::int64_t number = -1;
  if (id.is_number_integer()) {
    number = id.get<std::int64_t>();
  } else if (id.is_string()) {
    const auto& digits = id.get_ref<const std::string&>();
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
  }
  const std::string text = content_of(token);
  if (number >= 0 && number < kMaxId && !text.empty()) added.emplace(number, text);
}

}  // namespace

PieceTable::PieceTable(std::int64_t size, std::string origin)
    : pieces_(static_cast<std::size_t>(size)), origin_(std::move(origin)) {}

void PieceTable::put(std::int64_t id, VocabularyPiece piece) {
  if (id < 0 || id >= std::ssize(pieces_))
    throw ModelError(fmt::format("{}: '{}' has the number {}, but the model has {} words.", origin_,
                                 piece.text, id, pieces_.size()));
  if (!is_free(id))
    throw ModelError(fmt::format("{}: '{}' and '{}' have the same number, {}.", origin_, text(id),
                                 piece.text, id));
  if (piece.text.empty() || !places_.emplace(piece.text, id).second)
    throw ModelError(fmt::format("{}: '{}' has two numbers, or no text.", origin_, piece.text));
  pieces_[static_cast<std::size_t>(id)] = std::move(piece);
}

bool PieceTable::is_free(std::int64_t id) const {
  return id >= 0 && id < std::ssize(pieces_) && pieces_[static_cast<std::size_t>(id)].text.empty();
}

const std::string& PieceTable::text(std::int64_t id) const {
  if (id < 0 || id >= std::ssize(pieces_) || is_free(id))
    throw ModelError(fmt::format("{}: there is no piece of number {}.", origin_, id));
  return pieces_[static_cast<std::size_t>(id)].text;
}

std::vector<VocabularyPiece> PieceTable::pieces() const {
  std::vector<VocabularyPiece> result = pieces_;
  for (std::size_t place = 0; place < result.size(); ++place)
    if (result[place].text.empty())
      result[place] = {.text = filler(place), .score = 0.0f, .kind = PieceKind::unused};
  return result;
}

bool is_one_character(const std::string& text) {
  return std::ranges::count_if(text, [](char byte) { return (byte & 0xC0) != 0x80; }) == 1;
}

std::map<std::int64_t, std::string> added_pieces(const ForeignFolder& folder) {
  std::map<std::int64_t, std::string> added;
  if (folder.tokenizer().has("added_tokens_decoder"))
    for (const auto& [id, token] : folder.tokenizer().json().at("added_tokens_decoder").items())
      add_piece(id, token, added);
  if (!added.empty()) return added;
  for (const auto& [text, id] :
       Settings::from_file_if_any(folder.file("added_tokens.json")).json().items())
    add_piece(id, text, added);
  if (!added.empty() || !folder.has("tokenizer.json")) return added;
  const Settings tokenizer = Settings::from_file(folder.file("tokenizer.json"));
  const auto list = tokenizer.json().find("added_tokens");
  if (list != tokenizer.json().end() && list->is_array())
    for (const nlohmann::json& token : *list)
      if (token.is_object() && token.contains("id")) add_piece(token.at("id"), token, added);
  return added;
}

std::vector<std::string> numbered_pieces(const Settings& file, std::int64_t size) {
  const auto& entries = file.json();
  if (entries.empty() || static_cast<std::int64_t>(entries.size()) > size)
    throw ModelError(fmt::format("{}: has {} pieces, but the model has {} words.", file.path(),
                                 entries.size(), size));
  std::vector<std::string> pieces(entries.size());
  for (const auto& [text, id] : entries.items()) {
    const bool is_place = id.is_number_unsigned() && id.get<std::uint64_t>() < pieces.size();
    if (!is_place || text.empty() || !pieces[id.get<std::size_t>()].empty())
      throw ModelError(
          fmt::format("{}: the number of '{}' is {}. Numbers should be 0 to {}, each once.",
                      file.path(), text, id.dump(), pieces.size() - 1));
    pieces[id.get<std::size_t>()] = text;
  }
  return pieces;
}

}  // namespace dragoman
