#include "dragoman/data/pair_encoder.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/data/sentencepiece_model.h"
#include "tests/support/catch.h"

using dragoman::CopyOptions;
using dragoman::EncodedSource;
using dragoman::PairEncoder;
using dragoman::Tokenizer;
using dragoman::TokenizerType;

namespace {

const std::vector<std::string>& lines() {
  static const std::vector<std::string> lines{
      "the man reads a book in the garden", "a woman sells fresh fruit to the children",
      "two dogs run over the green grass",  "the children play with a ball near the house",
      "he asks her about the old letter",   "she writes a long letter to the man"};
  return lines;
}

Tokenizer trained(TokenizerType type, std::int64_t size, const std::vector<std::string>& text) {
  dragoman::TokenizerConfig config;
  config.type = type;
  config.vocabulary_size = size;
  return Tokenizer::from_bytes(dragoman::train_tokenizer(config, text), "test.spm");
}

PairEncoder joint(TokenizerType type, std::int64_t size) {
  const Tokenizer tokenizer = trained(type, size, lines());
  return {tokenizer, tokenizer, CopyOptions{.enabled = true}};
}

/// What comes out when `target` is spelled with the words of `source`.
std::string there_and_back(const PairEncoder& encoder, const std::string& source,
                           const std::string& target) {
  const EncodedSource encoded = encoder.encode_source(source);
  const auto ids = encoder.encode_target(target, encoded);
  const std::vector<std::int64_t> wide(ids.begin(), ids.end());
  return encoder.decode(wide, encoded).text;
}

}  // namespace

TEST_CASE("characters without a piece come back exactly as they stood in the source",
          "[pair_encoder]") {
  const std::vector<std::pair<TokenizerType, std::int64_t>> kinds{{TokenizerType::bpe, 60},
                                                                  {TokenizerType::unigram, 50},
                                                                  {TokenizerType::character, 40},
                                                                  {TokenizerType::word, 36}};
  for (const auto& [type, size] : kinds) {
    const PairEncoder encoder = joint(type, size);
    for (const std::string word : {"\xe6\x9d\x8e\xe6\x98\x8e", "\xf0\x9f\x8e\x89\xf0\x9f\x8e\x8a",
                                   "\xd0\x9c\xd0\xb8\xd1\x80", "#42%"}) {
      INFO(word << " with size " << size);
      CHECK(there_and_back(encoder, "he asks " + word + " about the book",
                           "the man reads " + word + " a letter") ==
            "the man reads " + word + " a letter");
    }
  }
}

TEST_CASE("what normalisation would change is copied unchanged", "[pair_encoder]") {
  // U+FF8A, half-width katakana, which NFKC turns into U+30CF.
  const PairEncoder encoder = joint(TokenizerType::bpe, 60);
  CHECK(there_and_back(encoder, "the man \xef\xbe\x8a reads", "a \xef\xbe\x8a") ==
        "a \xef\xbe\x8a");
}

TEST_CASE("with one vocabulary a known piece yields itself", "[pair_encoder]") {
  const PairEncoder encoder = joint(TokenizerType::bpe, 60);
  const EncodedSource encoded = encoder.encode_source("the man reads");
  CHECK(encoded.copy_ids == encoded.ids);
  CHECK(encoded.ids == encoder.source().encode("the man reads"));
  CHECK(encoded.extra_words.empty());
  CHECK(encoded.ranges.size() == encoded.ids.size());
  CHECK(encoded.ranges.back().end == 13);
}

TEST_CASE("neighbouring unknown words of a word model are words of their own", "[pair_encoder]") {
  const PairEncoder encoder = joint(TokenizerType::word, 36);
  const std::string source = "he asks Quirin Zwack about the book";
  const EncodedSource encoded = encoder.encode_source(source);
  REQUIRE(encoded.extra_words.size() == 2);
  CHECK(encoded.surfaces[1] == "Zwack");
  CHECK(there_and_back(encoder, source, "Zwack asks Quirin") == "Zwack asks Quirin");
}

TEST_CASE("a word that stands twice has one extra word", "[pair_encoder]") {
  const PairEncoder encoder = joint(TokenizerType::word, 36);
  const EncodedSource encoded = encoder.encode_source("Zwack asks Zwack");
  REQUIRE(encoded.extra_words.size() == 1);
  CHECK(encoded.copy_ids.front() == encoder.target().size());
  CHECK(encoded.copy_ids.front() == encoded.copy_ids.back());
}

TEST_CASE("unknown target words that the source lacks stay unknown", "[pair_encoder]") {
  const PairEncoder encoder = joint(TokenizerType::word, 36);
  const EncodedSource encoded = encoder.encode_source("he asks Zwack");
  const auto ids = encoder.encode_target("Quirin asks Zwack", encoded);
  REQUIRE(ids.size() == 3);
  CHECK(ids[0] == encoder.target().unknown_id());
  CHECK(ids[2] == encoder.target().size());
}

TEST_CASE("extra words beyond the budget are unknown", "[pair_encoder]") {
  const Tokenizer tokenizer = trained(TokenizerType::word, 36, lines());
  const PairEncoder encoder(tokenizer, tokenizer, {.enabled = true, .extra_words = 1});
  const EncodedSource encoded = encoder.encode_source("Zwack asks Quirin");
  CHECK(encoded.extra_words.size() == 1);
  CHECK(encoded.copy_ids.back() == tokenizer.unknown_id());
}

TEST_CASE("with separate vocabularies a word is spelled as the source spells it",
          "[pair_encoder]") {
  const std::vector<std::string> german{
      "der Mann liest ein Buch im Garten", "die Frau verkauft frisches Obst an die Kinder",
      "zwei Hunde laufen durch das Gras", "Wachstum und Verwandtschaft und Fischteich"};
  const Tokenizer source = trained(TokenizerType::bpe, 90, lines());
  const Tokenizer target = trained(TokenizerType::bpe, 80, german);
  const PairEncoder encoder(source, target, {.enabled = true});
  const EncodedSource encoded = encoder.encode_source("the children play");
  REQUIRE_FALSE(encoded.extra_words.empty());  // the target has no piece "children"
  const auto ids = encoder.encode_target("die children laufen", encoded);
  const std::vector<std::int64_t> wide(ids.begin(), ids.end());
  CHECK(encoder.decode(wide, encoded).text == "die children laufen");
  CHECK(*std::max_element(ids.begin(), ids.end()) >= target.size());
  // Words that the source does not have are spelled by the target alone.
  CHECK(encoder.encode_target("die Kinder", encoded) == target.encode("die Kinder"));
}

TEST_CASE("without a copy head the encoder is the two tokenisers", "[pair_encoder]") {
  const Tokenizer tokenizer = trained(TokenizerType::bpe, 60, lines());
  const PairEncoder encoder(tokenizer, tokenizer);
  const dragoman::Example example = encoder.encode("he asks \xe6\x9d\x8e", "a \xe6\x9d\x8e");
  CHECK(example.source == tokenizer.encode("he asks \xe6\x9d\x8e"));
  CHECK(example.target == tokenizer.encode("a \xe6\x9d\x8e"));
  CHECK(example.copy_ids.empty());
  CHECK_FALSE(encoder.special_ids().copies);
}

TEST_CASE("each id has its place in the decoded text", "[pair_encoder]") {
  const PairEncoder encoder = joint(TokenizerType::word, 36);
  const std::string source = "he asks Zwack";
  const EncodedSource encoded = encoder.encode_source(source);
  const auto decoded =
      encoder.decode(std::vector<std::int64_t>{encoded.copy_ids[2], encoded.copy_ids[1]}, encoded);
  CHECK(decoded.text == "Zwack asks");
  REQUIRE(decoded.ranges.size() == 2);
  CHECK(decoded.ranges[0].begin == 0);
  CHECK(decoded.ranges[0].end == 5);
  CHECK(decoded.ranges[1].begin == 6);
  CHECK(decoded.ranges[1].end == 10);
}

TEST_CASE("a protected span is one word that comes out as it stood", "[pair_encoder]") {
  const std::string source = "the man reads https://a.example/%20x?y=\xc3\xa4 and 12 (12) books";
  for (const auto& [type, size] :
       std::vector<std::pair<TokenizerType, std::int64_t>>{{TokenizerType::bpe, 60},
                                                           {TokenizerType::unigram, 50},
                                                           {TokenizerType::character, 40}}) {
    const PairEncoder encoder = joint(type, size).protecting({"url", "number"});
    const EncodedSource encoded = encoder.encode_source(source);
    REQUIRE(encoded.protected_ids.size() == 3);  // both 12 count
    CHECK(encoded.surfaces[0] == "https://a.example/%20x?y=\xc3\xa4");
    const std::string target = "12 letters, (12) and https://a.example/%20x?y=\xc3\xa4";
    const auto ids = encoder.encode_target(target, encoded);
    CHECK(std::ranges::count_if(ids, [&](auto id) { return id >= encoder.target().size(); }) >= 3);
    const std::vector<std::int64_t> wide(encoded.copy_ids.begin(), encoded.copy_ids.end());
    CHECK(encoder.decode(wide, encoded).text == source);
  }
}

TEST_CASE("training protects what both sides hold", "[pair_encoder]") {
  const PairEncoder encoder = joint(TokenizerType::bpe, 60).protecting({"number"});
  const std::int32_t size = static_cast<std::int32_t>(encoder.target().size());
  const auto both = encoder.encode("he asks 12 women", "12 men");
  CHECK(*std::ranges::max_element(both.target) == size);
  const auto one = encoder.encode("the man reads a book", "12 men");
  CHECK(*std::ranges::max_element(one.target) < size);
}

TEST_CASE("protection also works where unknown characters are spelled as bytes", "[pair_encoder]") {
  dragoman::TokenizerConfig config;
  config.vocabulary_size = 330;
  config.byte_fallback = true;
  const Tokenizer tokenizer =
      Tokenizer::from_bytes(dragoman::train_tokenizer(config, lines()), "bytes.spm");
  const PairEncoder encoder(tokenizer, tokenizer, {.enabled = true, .protect = {"number"}});
  const EncodedSource encoded = encoder.encode_source("he asks 1,024 women");
  REQUIRE(encoded.protected_ids.size() == 1);
  CHECK(encoded.ids.size() == encoded.copy_ids.size());
  const std::vector<std::int64_t> wide(encoded.copy_ids.begin(), encoded.copy_ids.end());
  CHECK(encoder.decode(wide, encoded).text == "he asks 1,024 women");
}

TEST_CASE("protection without a copy head is refused", "[pair_encoder]") {
  const Tokenizer tokenizer = trained(TokenizerType::bpe, 60, lines());
  CHECK_THROWS_AS(PairEncoder(tokenizer, tokenizer, {.protect = {"url"}}), dragoman::UsageError);
}

TEST_CASE("what only stood in the part that was cut off cannot be copied", "[pair_encoder]") {
  const PairEncoder encoder = joint(TokenizerType::word, 36);
  EncodedSource source = encoder.encode_source("the Anna reads Berta the man");
  REQUIRE(source.extra_words.size() == 2);
  CHECK_FALSE(encoder.cut(source, 6));
  REQUIRE(encoder.cut(source, 3));
  CHECK(source.ids.size() == 3);
  CHECK(source.copy_ids.size() == 3);
  CHECK(source.ranges.size() == 3);
  CHECK(source.surfaces == std::vector<std::string>{"Anna"});
  const auto ids = encoder.encode_target("Berta reads Anna", source);
  const auto words = static_cast<std::int32_t>(encoder.target().size());
  CHECK(ids == std::vector<std::int32_t>{encoder.target().unknown_id(),
                                         encoder.target().encode("reads").front(), words});

  const auto pair =
      encoder.encode("the Anna reads Berta the man", "Berta reads Anna", {.max_source_length = 3});
  CHECK(pair.is_cut);
  CHECK(pair.target == ids);
  CHECK(pair.copy_ids == source.copy_ids);
  CHECK_FALSE(encoder.encode("the Anna", "Anna", {.max_source_length = 3}).is_cut);
}

TEST_CASE("a protected span that was cut off is not asked for", "[pair_encoder]") {
  const PairEncoder encoder = joint(TokenizerType::word, 36).protecting({"number"});
  EncodedSource source = encoder.encode_source("the man 12 reads a book 345");
  REQUIRE(source.protected_ids.size() == 2);
  REQUIRE(encoder.cut(source, 4));
  CHECK(source.protected_ids.size() == 1);
  CHECK(source.surfaces == std::vector<std::string>{"12"});
}

TEST_CASE("a word that only the target's vocabulary has is copied as that word", "[pair_encoder]") {
  using dragoman::PieceKind;
  const auto words = [](const std::vector<std::string>& own) {
    std::vector<dragoman::VocabularyPiece> pieces = {{"<unk>", 0, PieceKind::unknown},
                                                     {"<s>", 0, PieceKind::control},
                                                     {"</s>", 0, PieceKind::control}};
    for (const std::string& word : own)
      pieces.push_back({"▁" + word, 0, PieceKind::normal});
    return Tokenizer::from_bytes(
        dragoman::word_model(pieces,
                             {.unknown = "<unk>", .begin = "<s>", .end = "</s>", .pad = ""}),
        "words");
  };
  const PairEncoder encoder(words({"ask", "him"}), words({"him", "ask", "Ada"}), {.enabled = true});
  const EncodedSource source = encoder.encode_source("ask Ada  Bob him");
  CHECK(source.ids == std::vector<std::int32_t>{3, 0, 0, 4});
  CHECK(source.copy_ids == std::vector<std::int32_t>{4, 5, 6, 3});
  CHECK(source.surfaces == std::vector<std::string>{"Bob"});
  CHECK(encoder.encode_target("Bob ask Ada Eve", source) == std::vector<std::int32_t>{6, 4, 5, 0});
  CHECK(encoder.decode(std::vector<std::int64_t>{6, 4, 5}, source).text == "Bob ask Ada");
}

TEST_CASE("prefixes stand in front of sources and training targets, and are no text",
          "[pair_encoder]") {
  const Tokenizer tokenizer = trained(TokenizerType::bpe, 60, lines());
  const PairEncoder plain(tokenizer, tokenizer);
  const PairEncoder encoder = plain.framing({.source = {"<s>"}, .target = {"<pad>", "<s>"}});
  using Ids = std::vector<std::int32_t>;
  const auto with = [](Ids prefix, const Ids& ids) {
    prefix.insert(prefix.end(), ids.begin(), ids.end());
    return prefix;
  };
  const Ids read = plain.encode_source("the man reads").ids;
  const Ids said = plain.encode_target("two dogs", {});
  CHECK(encoder.encode_source("the man reads").ids == with({2}, read));
  CHECK(encoder.encode_source("").ids.empty());
  CHECK(encoder.encode_target("two dogs", {}) == said);
  CHECK(encoder.target_prefix() == Ids{0, 2});
  const dragoman::Example pair = encoder.encode("the man reads", "two dogs");
  CHECK(pair.source == with({2}, read));
  CHECK(pair.target == with({0, 2}, said));
  const Ids whole = with({0, 2}, said);
  CHECK(encoder.decode(std::vector<std::int64_t>(whole.begin(), whole.end()), {}).text ==
        "two dogs");
  const std::vector<dragoman::WordLink> links = {{1, 0}};
  const auto linked = encoder.encode("the man", "two", {.links = links});
  REQUIRE(!linked.links.empty());
  for (const dragoman::WordLink& link : linked.links) {
    CHECK(link.source >= 1);
    CHECK(link.target >= 2);
  }
  CHECK_THROWS_AS(plain.framing({.source = {"<none>"}}), dragoman::UsageError);
  CHECK_THROWS_AS(joint(TokenizerType::bpe, 60).framing({.source = {"<s>"}}), dragoman::UsageError);
}
