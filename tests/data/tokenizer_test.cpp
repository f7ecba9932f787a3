#include "dragoman/data/tokenizer.h"

#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "dragoman/data/error.h"
#include "dragoman/data/tokenizer_check.h"
#include "tests/data/texts.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

using Catch::Contains;
using dragoman::DataError;
using dragoman::ModelError;
using dragoman::Tokenizer;
using dragoman::TokenizerConfig;
using dragoman::TokenizerType;
using dragoman::train_tokenizer;
using dragoman_test::Texts;

namespace {

constexpr TokenizerType kTypes[] = {TokenizerType::bpe, TokenizerType::unigram,
                                    TokenizerType::character, TokenizerType::word};

TokenizerConfig settings(TokenizerType type, std::int64_t size) {
  TokenizerConfig config;
  config.type = type;
  config.vocabulary_size = size;
  return config;
}

/// A vocabulary that each type can reach on made_up_lines(2000, 1).
TokenizerConfig fitting(TokenizerType type) {
  return settings(type, type == TokenizerType::character ? 100
                        : type == TokenizerType::word    ? 500
                                                         : 90);
}

Tokenizer train(const TokenizerConfig& config, const Texts& lines) {
  return Tokenizer::from_bytes(train_tokenizer(config, lines), "trained");
}

std::int64_t greatest_size(const std::string& message) {
  std::smatch found;
  REQUIRE(std::regex_search(message, found, std::regex("at most ([0-9]+) pieces")));
  return std::stoll(found[1]);
}

}  // namespace

TEST_CASE("every type of tokeniser has the special ids 0 to 3 and gives back the text",
          "[tokenizer]") {
  const auto lines = dragoman_test::made_up_lines(2000, 1);
  for (const auto type : kTypes) {
    const Tokenizer tokenizer = train(fitting(type), lines);
    CHECK(tokenizer.pad_id() == 0);
    CHECK(tokenizer.unknown_id() == 1);
    CHECK(tokenizer.begin_id() == 2);
    CHECK(tokenizer.end_id() == 3);
    CHECK(tokenizer.piece(0) == "<pad>");
    CHECK(tokenizer.piece(3) == "</s>");
    CHECK(tokenizer.size() <= fitting(type).vocabulary_size);
    for (std::size_t line = 0; line < 50; ++line) {
      const auto ids = tokenizer.encode(lines[line]);
      const auto pieces = tokenizer.encode_pieces(lines[line]);
      REQUIRE(ids.size() == pieces.size());
      if (type == TokenizerType::word) continue;  // numbers are unknown words
      CHECK(tokenizer.decode(ids) == lines[line]);
      for (std::size_t at = 0; at < ids.size(); ++at) {
        CHECK(tokenizer.piece(ids[at]) == pieces[at]);
        CHECK(tokenizer.id(pieces[at]) == ids[at]);
      }
    }
  }
}

TEST_CASE("decoding leaves out special ids and shows unknown text", "[tokenizer]") {
  const Tokenizer tokenizer = dragoman_test::character_tokenizer();
  std::vector<std::int32_t> ids = {2};
  for (const auto id : tokenizer.encode("a dog"))
    ids.push_back(id);
  ids.insert(ids.end(), {3, 0, 0});
  CHECK(tokenizer.decode(ids) == "a dog");
  CHECK(tokenizer.decode(tokenizer.encode("a 犬")) == "a  ⁇ ");
  CHECK(tokenizer.encode("").empty());
  CHECK(tokenizer.decode({}).empty());
  CHECK_THROWS_WITH(tokenizer.decode(std::vector<std::int32_t>{5000}),
                    Contains("tokeniser: id 5000 is not among its"));
  CHECK_THROWS_AS(tokenizer.piece(-1), ModelError);
}

TEST_CASE("training twice gives the same bytes", "[tokenizer]") {
  const auto lines = dragoman_test::made_up_lines(1000, 1);
  for (const auto type : kTypes) {
    CHECK(train_tokenizer(fitting(type), lines) == train_tokenizer(fitting(type), lines));
  }
}

TEST_CASE("a vocabulary too large for the text names the greatest size, which then works",
          "[tokenizer]") {
  const auto lines = dragoman_test::made_up_lines(300, 1);
  for (const auto type : {TokenizerType::bpe, TokenizerType::unigram, TokenizerType::word}) {
    std::string message;
    try {
      (void)train_tokenizer(settings(type, 30000), lines);
    } catch (const DataError& error) {
      message = error.what();
    }
    CHECK_THAT(message,
               Contains("tokenizer.vocabulary_size: 30000 is too large for 300 lines of text"));
    const std::int64_t greatest = greatest_size(message);
    CHECK(train(settings(type, greatest), lines).size() == greatest);
    CHECK_THROWS_AS(train_tokenizer(settings(type, greatest + 1), lines), DataError);
  }
}

TEST_CASE("for characters the vocabulary size is an upper bound", "[tokenizer]") {
  const std::vector<std::string> lines = {"aaaa bb", "abc"};
  // a, b, c, the mark of a space, and four special pieces
  CHECK(train(settings(TokenizerType::character, 5000), lines).size() == 8);
  const Tokenizer tight = train(settings(TokenizerType::character, 8), {"aaaa bb", "abcd"});
  CHECK(tight.size() == 8);
  CHECK(tight.id("a") != tight.unknown_id());
  CHECK(tight.id("d") == tight.unknown_id());  // one of the two rarest has no place
}

TEST_CASE("a vocabulary too small for the characters says so", "[tokenizer]") {
  CHECK_THROWS_WITH(
      train_tokenizer(settings(TokenizerType::bpe, 8), dragoman_test::made_up_lines(300, 1)),
      Contains("tokenizer.vocabulary_size: 8 is too small") &&
          Contains("lower tokenizer.character_coverage."));
}

TEST_CASE("a tokeniser needs text and a known normalisation", "[tokenizer]") {
  CHECK_THROWS_WITH(train_tokenizer(settings(TokenizerType::bpe, 100), {"", " "}),
                    Contains("there is no text to train on (2 lines, all empty)"));
  auto config = settings(TokenizerType::bpe, 100);
  config.normalization = "nfd";
  CHECK_THROWS_WITH(train_tokenizer(config, {"a"}),
                    Contains("there is no rule \"nfd\". Use nmt_nfkc,"));
}

TEST_CASE("normalisation, digits, bytes and own symbols follow the settings", "[tokenizer]") {
  const auto lines = dragoman_test::made_up_lines(2000, 1);
  auto config = settings(TokenizerType::bpe, 400);
  config.vocabulary_size = 400;
  config.byte_fallback = true;
  config.split_digits = true;
  config.normalization = "nmt_nfkc_cf";
  config.user_symbols = {"<sep>", "a,b", "\"q\""};
  const Tokenizer tokenizer = train(config, lines);
  for (const auto& symbol : config.user_symbols) {
    const auto pieces = tokenizer.encode_pieces("dog" + symbol + "dog");
    CHECK(std::count(pieces.begin(), pieces.end(), symbol) == 1);
  }
  CHECK(tokenizer.decode(tokenizer.encode("HUND")) == "hund");
  CHECK(tokenizer.decode(tokenizer.encode("犬")) == "犬");
  const auto digits = tokenizer.encode_pieces("2024");
  CHECK(std::set<std::string>(digits.begin(), digits.end()).count("2") == 1);
  CHECK(digits.size() >= 4);
}

TEST_CASE("long lines take part in training, whole words at a time", "[tokenizer]") {
  // One line with more bytes than SentencePiece reads, and a word with more characters than it can
  // count.
  std::string line;
  while (line.size() < 100000)
    line += "zebra quagga okapi ";
  const Tokenizer tokenizer = train(settings(TokenizerType::bpe, 40), {line});
  CHECK(tokenizer.encode_pieces("zebra quagga").size() == 2);
  std::string word;
  while (word.size() < 200000)
    word += "äöü";
  CHECK(train(settings(TokenizerType::bpe, 12), {word, "a b"}).encode_pieces("äöüäöü").size() < 6);
}

TEST_CASE("a line with the character that SentencePiece keeps for itself takes part",
          "[tokenizer]") {
  const Tokenizer tokenizer =
      train(settings(TokenizerType::word, 6), {"zebra \u2585 zebra", "okapi"});
  CHECK(tokenizer.id("▁zebra") != tokenizer.unknown_id());
}

TEST_CASE("a line of a million characters is encoded", "[tokenizer]") {
  const Tokenizer tokenizer = dragoman_test::character_tokenizer();
  CHECK(tokenizer.encode(std::string(1000000, 'a')).size() == 1000001);
}

TEST_CASE("a file that is no model is refused", "[tokenizer]") {
  const dragoman_test::TemporaryFolder folder;
  CHECK_THROWS_WITH(Tokenizer::from_file(folder.path("none")), Contains("no such file"));
  for (const std::string& content :
       {std::string(), std::string("plain text"), std::string("\ntext\n"),
        std::string("\x0a\x05\x0a\x03"
                    "abc")}) {
    const auto path = folder.write("model", content);
    CHECK_THROWS_WITH(Tokenizer::from_file(path), Contains(path + ": is no SentencePiece model"));
    CHECK_THROWS_AS(Tokenizer::from_file(path), DataError);
    CHECK_THROWS_AS(Tokenizer::from_bytes(content, "model.pt"), ModelError);
  }
}

TEST_CASE("a damaged model is an error, or still a tokeniser, but never a crash", "[tokenizer]") {
  const auto bytes =
      train_tokenizer(fitting(TokenizerType::bpe), dragoman_test::made_up_lines(500, 1));
  dragoman::Random random(1);
  std::size_t refused = 0;
  const auto try_model = [&](const std::string& damaged) {
    try {
      const auto tokenizer = Tokenizer::from_bytes(damaged, "damaged");
      (void)tokenizer.decode(tokenizer.encode("ein Hund läuft 12 ﬁ"));
    } catch (const dragoman::Error&) {
      ++refused;
    }
  };
  for (int trial = 0; trial < 30; ++trial)
    try_model(bytes.substr(0, random.below(bytes.size())));
  CHECK(refused > 0);
  for (int trial = 0; trial < 200; ++trial) {
    std::string damaged = bytes;
    auto& byte = damaged[random.below(damaged.size())];
    byte = static_cast<char>(byte ^ (1 << random.below(8)));
    try_model(damaged);
  }
}

TEST_CASE("a table of characters that SentencePiece would leave is found", "[tokenizer]") {
  // Units of a trie: label, 1 << 8 with a value, offset << 10; the base of unit p is p ^ offset.
  constexpr std::uint32_t kHasValue = 1U << 8;
  constexpr std::uint32_t kValue = 1U << 31;
  const auto damage = [](const std::vector<std::uint32_t>& units, const std::string& texts) {
    std::string table;
    const auto add = [&table](std::size_t number) {
      for (int place = 0; place < 4; ++place)
        table += static_cast<char>(number >> (8 * place));
    };
    add(units.size() * 4);
    for (const std::uint32_t unit : units)
      add(unit);
    table += texts;
    const auto field = [](char key, const std::string& content) {
      std::string size;
      for (std::size_t rest = content.size(); rest > 0 || size.empty(); rest >>= 7)
        size += static_cast<char>((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0));
      return key + size + content;
    };
    return dragoman::find_tokenizer_damage(field('\x1a', field('\x12', table)));
  };
  const std::string texts("b\0", 2);
  /// "a" repeated `count` times, with a value after each.
  const auto chain = [](std::uint32_t count) {
    std::vector<std::uint32_t> units((count + 1) * 256);
    for (std::uint32_t place = 0; place < count; ++place) {
      const std::uint32_t unit = place * 256 + 'a';
      units[unit] = 'a' | kHasValue | ((unit ^ ((place + 1) * 256)) << 10);
      units[(place + 1) * 256] = kValue;
    }
    units[0] = 0;
    return units;
  };
  CHECK(damage(chain(1), texts).empty());
  CHECK(damage(chain(32), texts).empty());
  CHECK_THAT(damage(chain(33), texts), Contains("table of characters"));
  CHECK_THAT(damage(chain(1), ""), Contains("table of characters"));
  CHECK_THAT(damage(chain(1), "b"), Contains("table of characters"));
  CHECK_THAT(damage({}, texts), Contains("table of characters"));
  auto units = chain(1);
  units[256] = kValue | 2;
  CHECK_THAT(damage(units, texts), Contains("table of characters"));
  units = chain(1);
  units['b'] = 'b' | (1U << 20);
  CHECK_THAT(damage(units, texts), Contains("table of characters"));
  units = chain(1);
  units['a'] = 'a' | ('a' << 10);  // its base is the root's
  CHECK_THAT(damage(units, texts), Contains("table of characters"));
  CHECK_FALSE(dragoman::find_tokenizer_damage("\x1a\x05").empty());
}

TEST_CASE("ids are those of the Python package", "[tokenizer][python]") {
  if (dragoman_test::python().empty()) {
    WARN("skipped: no Python (set DRAGOMAN_PYTHON)");
    return;
  }
  const dragoman_test::TemporaryFolder folder;
  auto lines = dragoman_test::made_up_lines(500, 9);
  lines.insert(lines.end(), {"", "  spaces   inside ", "ＦＵＬＬ width ﬁ ½ ①", "tab\there",
                             "emoji 😀 ok", "e\u0301", "\u00A0nbsp\u200Bzero", "Ünïcödé \uFEFF bom",
                             "1,234.50 €", "<s> </s> <unk>"});
  const auto input = folder.write("lines", dragoman_test::join(lines));
  for (const auto type : kTypes) {
    const auto bytes = train_tokenizer(fitting(type), dragoman_test::made_up_lines(2000, 1));
    const Tokenizer tokenizer = Tokenizer::from_bytes(bytes, "trained");
    const auto model = folder.write("model", bytes);
    REQUIRE(dragoman_test::run_python(DRAGOMAN_SOURCE_DIR "/tests/data/text_reference.py",
                                      "encode " + model + " " + input + " " + folder.path("ids")) ==
            0);
    std::istringstream expected(folder.read("ids"));
    for (const auto& line : lines) {
      std::string ids;
      for (const auto id : tokenizer.encode(line))
        ids += (ids.empty() ? "" : " ") + std::to_string(id);
      std::string reference;
      REQUIRE(std::getline(expected, reference));
      CHECK(ids == reference);
    }
  }
}
