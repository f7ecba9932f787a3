#include "dragoman/inference/models/import/vocabularies.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/piece_text.h"
#include "dragoman/inference/models/import/piece_table.h"
#include "dragoman/inference/models/import/tokenizer_json.h"

namespace dragoman {
namespace {

const std::string kUnknown = "<unk>";
const std::string kEnd = "</s>";
const std::string kPad = "<pad>";
const std::string kBegin = "<s>";

/// What SentencePiece gives to a character without a piece, below the least score of all pieces.
constexpr float kUnknownPenalty = 10.0f;

/// The number of the piece that decoding starts from.
std::int64_t start_id(const ForeignFolder& folder, std::int64_t otherwise) {
  constexpr std::int64_t kMost = 10'000'000;
  const std::int64_t of_config =
      folder.config().integer("decoder_start_token_id", 0, kMost, otherwise);
  return folder.generation().integer("decoder_start_token_id", 0, kMost, of_config);
}

std::optional<std::int64_t> forced_id(const ForeignFolder& folder) {
  for (const Settings* settings : {&folder.generation(), &folder.config()})
    if (settings->has("forced_bos_token_id"))
      return settings->integer("forced_bos_token_id", 0, 10'000'000);
  return {};
}

/// The special piece as the model itself has it.
const VocabularyPiece* piece_of_kind(const std::vector<VocabularyPiece>& pieces, PieceKind kind) {
  const auto found = std::ranges::find(pieces, kind, &VocabularyPiece::kind);
  return found == pieces.end() ? nullptr : &*found;
}

/// `>>fra<<` in front of a Marian source.
bool is_language_tag(const std::string& piece) {
  return piece.starts_with(">>") && piece.ends_with("<<");
}

enum class Reads { source, target };

/// One side of Marian: the pieces of its own SentencePiece model at the numbers of vocab.json; what
/// only the other side has is there, but no text is cut into it.
std::string marian_side(const std::string& model, const std::vector<std::string>& words,
                        const ModelConfig& config, const std::string& start, Reads side,
                        const std::string& origin, std::vector<std::string>& notes) {
  std::map<std::string, VocabularyPiece> own;
  for (const VocabularyPiece& piece : sentencepiece_pieces(model, origin))
    own.emplace(piece.text, piece);
  float lowest = 0.0f;
  for (const auto& [text, piece] : own)
    if (piece.kind == PieceKind::normal) lowest = std::min(lowest, piece.score);
  PieceTable table(side == Reads::source ? config.source_vocabulary : config.target_vocabulary,
                   origin);
  std::set<std::string> placed;
  for (std::size_t id = 0; id < words.size(); ++id) {
    const std::string& word = words[id];
    VocabularyPiece piece{
        .text = word, .score = lowest - kUnknownPenalty, .kind = PieceKind::unused};
    if (word == kUnknown) {
      piece.kind = PieceKind::unknown;
    } else if (word == kEnd || word == kPad || word == kBegin || word == start) {
      piece.kind = PieceKind::control;
    } else if (is_language_tag(word) && side == Reads::source) {
      piece = {.text = std::string(kSpace) + word, .score = 0.0f, .kind = PieceKind::user_defined};
    } else if (const auto found = own.find(word); found != own.end()) {
      piece = found->second;
    } else if (is_one_character(word)) {  // transformers looks up what the model does not know
      piece.kind = PieceKind::normal;
    } else if (is_merging(model) && side == Reads::source) {
      piece.text = fmt::format("<target {}>", id);  // or other pieces would be merged by way of it
    }
    placed.insert(word);
    table.put(static_cast<std::int64_t>(id), std::move(piece));
  }
  std::size_t lost = 0;
  for (const auto& [text, piece] : own)
    if (piece.kind == PieceKind::normal && !placed.contains(text)) ++lost;
  if (lost > 0)
    notes.push_back(fmt::format(
        "{}: {} of its pieces are no words of the model: texts with them are cut in another way, "
        "where transformers reads <unk>",
        origin, lost));
  return with_pieces(model, table.pieces(),
                     {.unknown = kUnknown, .begin = start, .end = kEnd, .pad = kPad});
}

/// "en" or "__en__", as the vocabulary writes it.
std::string language_tag(const std::string& given, const PieceTable& table, const char* option) {
  for (const std::string& tag : {given, "__" + given + "__"})
    if (table.holds(tag)) return tag;
  throw UsageError(fmt::format(
      "{}: the model has no tag '{}'. Tags are written as eng_Latn (NLLB), en_XX (mBART-50) or en "
      "(M2M-100).",
      option, given));
}

void put_added(const ForeignFolder& folder, PieceTable& table) {
  for (const auto& [id, text] : added_pieces(folder))
    if (table.is_free(id) && !table.holds(text)) table.put(id, text, PieceKind::control);
}

/// A language from the command line, or from the folder.
std::string wanted_language(const std::string& given, const ForeignFolder& folder,
                            const std::string& key, const char* option) {
  if (!given.empty()) return given;
  const std::string of_folder = folder.tokenizer().text(key, "");
  if (of_folder.empty())
    throw UsageError(
        fmt::format("{}: the model translates between many languages. Name one.", option));
  return of_folder;
}

void put_fairseq(const std::vector<VocabularyPiece>& pieces, PieceTable& table) {
  table.put(0, kBegin, PieceKind::control);
  table.put(1, kPad, PieceKind::control);
  table.put(2, kEnd, PieceKind::control);
  table.put(3, kUnknown, PieceKind::unknown);
  // SentencePiece's own first pieces are <unk>, <s> and </s>.
  for (std::size_t place = 3; place < pieces.size(); ++place)
    table.put(static_cast<std::int64_t>(place) + 1, pieces[place]);
}

/// M2M-100: numbers of its own, then language tags.
void put_numbered(const ForeignFolder& folder, const std::vector<VocabularyPiece>& pieces,
                  std::int64_t size, PieceTable& table) {
  std::map<std::string, VocabularyPiece> own;
  for (const VocabularyPiece& piece : pieces)
    own.emplace(piece.text, piece);
  const std::vector<std::string> words =
      numbered_pieces(Settings::from_file(folder.file("vocab.json")), size);
  for (std::size_t id = 0; id < words.size(); ++id) {
    const std::string& word = words[id];
    const auto place = static_cast<std::int64_t>(id);
    const auto found = own.find(word);
    if (word == kUnknown)
      table.put(place, word, PieceKind::unknown);
    else if (found != own.end() && found->second.kind == PieceKind::normal)
      table.put(place, found->second);
    else
      table.put(place, word, PieceKind::control);
  }
}

/// What stands in front of sources and targets: language tags, or what BART begins with.
ImportedTokenizers prefixes(const ForeignFolder& folder, const PieceTable& table,
                            const std::string& family, const ImportOptions& options) {
  ImportedTokenizers result;
  if (family == "bart") {
    result.source_prefix = {kBegin};
    if (const auto forced = forced_id(folder)) result.target_prefix = {table.text(*forced)};
  } else {
    const std::string source =
        wanted_language(options.source_language, folder, "src_lang", "--source-language");
    result.source_prefix = {language_tag(source, table, "--source-language")};
    const auto forced = forced_id(folder);
    if (options.target_language.empty() && forced)
      result.target_prefix = {table.text(*forced)};
    else
      result.target_prefix = {language_tag(
          wanted_language(options.target_language, folder, "tgt_lang", "--target-language"), table,
          "--target-language")};
  }
  return result;
}

/// A folder without a SentencePiece file.
bool has_json_alone(const ForeignFolder& folder, const std::string& name) {
  return !folder.has(name) && folder.has("tokenizer.json");
}

/// The tokeniser of tokenizer.json, which has the model's numbers already.
std::string json_model(const ForeignFolder& folder, const JsonTokenizer& tokenizer,
                       std::int64_t start) {
  if (!tokenizer.table.holds(kEnd))
    throw ModelError(fmt::format("{}: has no '{}', which outputs end with. Take another copy.",
                                 folder.file("tokenizer.json"), kEnd));
  return with_pieces(tokenizer.model, tokenizer.table.pieces(),
                     {.unknown = tokenizer.unknown,
                      .begin = tokenizer.table.text(start),
                      .end = kEnd,
                      .pad = kPad});
}

}  // namespace

ImportedTokenizers marian_tokenizers(const MarianVocabularies& given, const ModelConfig& config) {
  ImportedTokenizers result;
  result.source = marian_side(given.source_model, given.source_words, config, given.begin,
                              Reads::source, given.origin + "/source.spm", result.notes);
  result.target = marian_side(given.target_model, given.target_words, config, given.begin,
                              Reads::target, given.origin + "/target.spm", result.notes);
  if (result.source == result.target) result.target.clear();
  return result;
}

ImportedTokenizers marian_tokenizers(const ForeignFolder& folder, const ModelConfig& config) {
  const bool is_separate = folder.tokenizer().flag("separate_vocabs", false);
  MarianVocabularies given{
      .source_model = folder.tokenizer_file("source.spm"),
      .target_model = folder.tokenizer_file("target.spm"),
      .source_words =
          numbered_pieces(Settings::from_file(folder.file("vocab.json")), config.source_vocabulary),
      .target_words = {},
      .begin = "",
      .origin = folder.path()};
  given.target_words = is_separate
                           ? numbered_pieces(Settings::from_file(folder.file("target_vocab.json")),
                                             config.target_vocabulary)
                           : given.source_words;
  const std::int64_t start = start_id(folder, config.target_vocabulary - 1);
  if (start >= std::ssize(given.target_words))
    throw ModelError(fmt::format("{}: decoder_start_token_id is {}, but there are {} words.",
                                 folder.path(), start, given.target_words.size()));
  given.begin = given.target_words[static_cast<std::size_t>(start)];
  return marian_tokenizers(given, config);
}

ImportedTokenizers t5_tokenizers(const ForeignFolder& folder, const ModelConfig& config) {
  if (has_json_alone(folder, "spiece.model"))
    return {.source = json_model(folder, read_tokenizer_json(folder, config.target_vocabulary),
                                 start_id(folder, 0))};
  const std::string model = folder.tokenizer_file("spiece.model");
  const std::string origin = folder.file("spiece.model");
  std::vector<VocabularyPiece> pieces = sentencepiece_pieces(model, origin);
  PieceTable table(config.target_vocabulary, origin);
  for (std::size_t place = 0; place < pieces.size(); ++place)
    table.put(static_cast<std::int64_t>(place), pieces[place]);
  put_added(folder, table);
  const std::int64_t extra = folder.tokenizer().integer("extra_ids", 0, 100000, 100);
  const std::int64_t end = std::ssize(pieces) + extra;
  for (std::int64_t number = 0; number < extra && end <= config.target_vocabulary; ++number) {
    const std::string text = fmt::format("<extra_id_{}>", number);
    if (table.is_free(end - 1 - number) && !table.holds(text))
      table.put(end - 1 - number, text, PieceKind::control);
  }
  const VocabularyPiece* unknown = piece_of_kind(pieces, PieceKind::unknown);
  const std::int64_t start = start_id(folder, 0);
  return {.source = with_pieces(model, table.pieces(),
                                {.unknown = unknown == nullptr ? kUnknown : unknown->text,
                                 .begin = table.text(start),
                                 .end = kEnd,
                                 .pad = kPad})};
}

ImportedTokenizers pegasus_tokenizers(const ForeignFolder& folder, const ModelConfig& config) {
  // Our own export writes the tokeniser of MarianMT.
  if (folder.tokenizer().text("tokenizer_class", "") == "MarianTokenizer")
    return marian_tokenizers(folder, config);
  if (has_json_alone(folder, "spiece.model"))
    return {.source = json_model(folder, read_tokenizer_json(folder, config.target_vocabulary),
                                 start_id(folder, 0))};
  const std::string model = folder.tokenizer_file("spiece.model");
  const std::string origin = folder.file("spiece.model");
  const std::vector<VocabularyPiece> pieces = sentencepiece_pieces(model, origin);
  const std::int64_t offset = folder.tokenizer().integer("offset", 0, 100000, 103);
  PieceTable table(config.target_vocabulary, origin);
  table.put(0, kPad, PieceKind::control);
  table.put(1, kEnd, PieceKind::control);
  // SentencePiece's own first pieces are <pad> and </s>, or <s> and </s>.
  for (std::size_t place = 2; place < pieces.size(); ++place)
    table.put(static_cast<std::int64_t>(place) + offset, pieces[place]);
  if (offset > 0) {
    table.put(2, "<mask_1>", PieceKind::control);
    table.put(3, "<mask_2>", PieceKind::control);
    for (std::int64_t number = 2; number < offset; ++number)
      table.put(number + 2, fmt::format("<unk_{}>", number), PieceKind::control);
  }
  const std::int64_t start = start_id(folder, 0);
  return {.source = with_pieces(
              model, table.pieces(),
              {.unknown = kUnknown, .begin = table.text(start), .end = kEnd, .pad = kPad})};
}

ImportedTokenizers fairseq_tokenizers(const ForeignFolder& folder, const ModelConfig& config,
                                      const std::string& family, const ImportOptions& options) {
  const std::string kind = folder.tokenizer().text("tokenizer_class", "");
  const std::string name = "sentencepiece.bpe.model";
  if (!folder.has(name) && folder.has("merges.txt"))
    throw ModelError(fmt::format(
        "{}: its tokeniser is a byte-level BPE (vocab.json, merges.txt), which is not read. Models "
        "with a SentencePiece file are: mBART-50, NLLB, M2M-100, T5, Pegasus, MarianMT.",
        folder.path()));
  const bool is_suffixed =
      kind.starts_with("MBartTokenizer") || folder.tokenizer().flag("legacy_behaviour", false);
  if (is_suffixed || kind.starts_with("Barthez"))
    throw ModelError(fmt::format(
        "{}: {} places language tags or pieces where this program has no place for them. mBART-50, "
        "NLLB and M2M-100 are read.",
        folder.tokenizer().path(), kind));
  if (has_json_alone(folder, name)) {
    const JsonTokenizer tokenizer = read_tokenizer_json(folder, config.target_vocabulary);
    ImportedTokenizers result = prefixes(folder, tokenizer.table, family, options);
    result.source = json_model(folder, tokenizer, start_id(folder, 2));
    return result;
  }
  const std::string model = folder.tokenizer_file(name);
  const std::string origin = folder.file(name);
  const std::vector<VocabularyPiece> pieces = sentencepiece_pieces(model, origin);
  PieceTable table(config.target_vocabulary, origin);
  if (folder.has("vocab.json"))
    put_numbered(folder, pieces, config.target_vocabulary, table);
  else
    put_fairseq(pieces, table);
  put_added(folder, table);
  ImportedTokenizers result = prefixes(folder, table, family, options);
  const std::int64_t start = start_id(folder, 2);
  result.source =
      with_pieces(model, table.pieces(),
                  {.unknown = kUnknown, .begin = table.text(start), .end = kEnd, .pad = kPad});
  return result;
}

}  // namespace dragoman
