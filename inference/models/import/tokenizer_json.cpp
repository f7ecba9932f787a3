#include "dragoman/inference/models/import/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/data/piece_text.h"

namespace dragoman {
namespace {

using nlohmann::json;

/// Null where there is none.
const json& entry_of(const json& object, const char* key) {
  static const json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

std::string text_of(const json& object, const char* key) {
  const json& value = entry_of(object, key);
  return value.is_string() ? value.get<std::string>() : "";
}

bool flag_of(const json& object, const char* key) {
  const json& value = entry_of(object, key);
  return value.is_boolean() && value.get<bool>();
}

/// The steps of a Sequence, or the one step that `part` is; none for null.
std::vector<json> steps_of(const json& part, const char* list) {
  if (part.is_null()) return {};
  const json& steps = entry_of(part, list);
  if (text_of(part, "type") == "Sequence" && steps.is_array())
    return steps.get<std::vector<json>>();
  return {part};
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int count = 0;
  while (text.ends_with('='))
    text.remove_suffix(1);
  for (const char letter : text) {
    const std::size_t digit =
        std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
            .find(letter);
    if (digit == std::string_view::npos) return {};
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    if (++count % 4 == 1) continue;
    const int rest = 6 - 2 * ((count - 1) % 4);
    bytes += static_cast<char>(bits >> rest & 0xFF);
  }
  return bytes;
}

class Reader {
 public:
  Reader(const ForeignFolder& folder, std::int64_t size)
      : file_(Settings::from_file(folder.file("tokenizer.json"))),
        model_(entry_of(file_.json(), "model")),
        added_(added_pieces(folder)),
        result_{.table = PieceTable(size, file_.path())} {}

  JsonTokenizer read() {
    SegmentationRules rules;
    read_normalizer(rules);
    read_cutting(rules);
    rules.byte_fallback = flag_of(model_, "byte_fallback");
    const std::string type = text_of(model_, "type");
    if (type == "BPE") rules.model = SegmentationModel::merging;
    if (type == "Unigram" || (type.empty() && entry_of(model_, "vocab").is_array()))
      read_unigram();
    else if (type == "BPE")
      read_merging();
    else
      refuse(fmt::format("its model is '{}'", type));
    for (const auto& [id, text] : added_)
      if (result_.table.is_free(id) && !result_.table.holds(text))
        result_.table.put(id, text, PieceKind::control);
    result_.model = sentencepiece_without_pieces(rules);
    return std::move(result_);
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const {
    throw ModelError(fmt::format(
        "{}: {}. Only tokenisers made of SentencePiece models are read (Unigram or BPE, with "
        "Metaspace). Download the SentencePiece file as well, if the model has one.",
        file_.path(), problem));
  }
  [[noreturn]] void damaged(const std::string& problem) const {
    throw ModelError(fmt::format("{}: {}. Take another copy.", file_.path(), problem));
  }

  void read_normalizer(SegmentationRules& rules) const {
    for (const json& step : steps_of(entry_of(file_.json(), "normalizer"), "normalizers")) {
      const std::string type = text_of(step, "type");
      if (type == "Precompiled") {
        const auto bytes = from_base64(text_of(step, "precompiled_charsmap"));
        if (!bytes) damaged("its table of characters is no base64");
        rules.characters = *bytes;
        continue;
      }
      // SentencePiece joins and strips white space by itself.
      const json& pattern = entry_of(step, "pattern");
      const bool joins_space = type == "Replace" && text_of(pattern, "Regex") == " {2,}";
      if (!joins_space && type != "Strip")
        refuse(fmt::format("its normaliser has the step '{}'", type));
    }
  }

  void read_cutting(SegmentationRules& rules) const {
    bool has_spaces = false;
    for (const json& step : steps_of(entry_of(file_.json(), "pre_tokenizer"), "pretokenizers")) {
      const std::string type = text_of(step, "type");
      if (type == "WhitespaceSplit") continue;
      if (type != "Metaspace" || text_of(step, "replacement") != kSpace)
        refuse(fmt::format("texts are cut by '{}'", type));
      has_spaces = true;
      const std::string scheme = text_of(step, "prepend_scheme");
      rules.prefix_space = scheme.empty() ? flag_of(step, "add_prefix_space") : scheme != "never";
    }
    if (!has_spaces) refuse("texts are cut without Metaspace");
  }

  [[nodiscard]] PieceKind kind_of(std::int64_t id, const std::string& text) const {
    if (text == result_.unknown) return PieceKind::unknown;
    const auto found = added_.find(id);
    if (found != added_.end() && found->second == text) return PieceKind::control;
    if (flag_of(model_, "byte_fallback") && text.size() == 6 && text.starts_with("<0x"))
      return PieceKind::byte;
    // Texts are cut at spaces first: a piece with one inside never comes up.
    return text.find(kSpace, 1) == std::string::npos ? PieceKind::normal : PieceKind::unused;
  }

  void read_unigram() {
    const json& pieces = entry_of(model_, "vocab");
    const json& unknown = entry_of(model_, "unk_id");
    const auto is_piece = [](const json& piece) {
      return piece.is_array() && piece.size() == 2 && piece[0].is_string() &&
             piece[1].is_number() && std::isfinite(piece[1].get<float>());
    };
    if (!pieces.is_array() || !std::ranges::all_of(pieces, is_piece))
      damaged("its vocabulary is no list of pieces with their scores");
    if (!unknown.is_number_unsigned() || unknown.get<std::size_t>() >= pieces.size())
      damaged("its unk_id is the number of no piece");
    result_.unknown = pieces[unknown.get<std::size_t>()][0].get<std::string>();
    for (std::size_t place = 0; place < pieces.size(); ++place) {
      const auto id = static_cast<std::int64_t>(place);
      const std::string text = pieces[place][0].get<std::string>();
      result_.table.put(
          id, {.text = text, .score = pieces[place][1].get<float>(), .kind = kind_of(id, text)});
    }
  }

  void read_merging() {
    result_.unknown = text_of(model_, "unk_token");
    const std::map<std::string, float> scores = scores_of_merges();
    const json& words = entry_of(model_, "vocab");
    if (!words.is_object()) damaged("its vocabulary is no table of numbers");
    for (const auto& [text, number] : words.items()) {
      if (!number.is_number_unsigned()) damaged(fmt::format("the number of '{}' is none", text));
      const auto id = number.get<std::int64_t>();
      const auto score = scores.find(text);
      VocabularyPiece piece{.text = text, .kind = kind_of(id, text)};
      if (score != scores.end()) {
        piece.score = score->second;
      } else if (piece.kind == PieceKind::normal) {
        piece.score = -static_cast<float>(scores.size()) - 1.0f;
        if (!is_one_character(text)) piece.kind = PieceKind::unused;  // no merge makes it
      }
      result_.table.put(id, std::move(piece));
    }
    if (!result_.table.holds(result_.unknown))
      damaged(fmt::format("its vocabulary lacks '{}', its unk_token", result_.unknown));
  }

  /// SentencePiece merges whatever two pieces make a third one, the best first; tokenizers merges
  /// what is listed, the first first. They agree when every such pair is listed.
  [[nodiscard]] std::map<std::string, float> scores_of_merges() const {
    const json& words = entry_of(model_, "vocab");
    const json& merges = entry_of(model_, "merges");
    if (!merges.is_array() || !words.is_object()) damaged("it lists no merges");
    std::map<std::string, float> scores;
    std::map<std::string, std::set<std::size_t>> cuts;  // of a piece, where its merges join
    for (const json& merge : merges) {
      const auto [left, right] = pair_of(merge);
      scores.emplace(left + right, -static_cast<float>(scores.size()));
      cuts[left + right].insert(left.size());
    }
    for (const auto& [text, places] : cuts)
      for (std::size_t cut = 1; cut < text.size(); ++cut)
        if (!places.contains(cut) && words.contains(text.substr(0, cut)) &&
            words.contains(text.substr(cut)))
          refuse(
              fmt::format("it merges '{}' from some of the pairs that make it, not from '{}' "
                          "and '{}'",
                          text, text.substr(0, cut), text.substr(cut)));
    return scores;
  }

  [[nodiscard]] std::pair<std::string, std::string> pair_of(const json& merge) const {
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
      return {merge[0].get<std::string>(), merge[1].get<std::string>()};
    const std::string text = merge.is_string() ? merge.get<std::string>() : "";
    const std::size_t space = text.find(' ');
    if (space == std::string::npos) damaged("a merge is no pair of pieces");
    return {text.substr(0, space), text.substr(space + 1)};
  }

  Settings file_;
  const json& model_;
  std::map<std::int64_t, std::string> added_;
  JsonTokenizer result_;
};

}  // namespace

JsonTokenizer read_tokenizer_json(const ForeignFolder& folder, std::int64_t size) {
  return Reader(folder, size).read();
}

}  // namespace dragoman
