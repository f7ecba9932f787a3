#include <algorithm>
#include <cctype>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <unordered_set>

#include "examples/demo/data_set.h"
#include "tests/support/catch.h"

namespace demo {

namespace {

const DataSet& default_set() {
  static const DataSet set = make_data_set(1, {.train = 16000});  // fewer than by default: faster
  return set;
}

std::string text_of(const std::vector<Phrase>& set) {
  std::string text;
  for (const auto& pair : set)
    text += pair.english + '\t' + pair.german + '\n';
  return text;
}

// Words without the punctuation around them and without a genitive's 's.
std::set<std::string> words_of(const std::string& sentence) {
  std::set<std::string> words;
  std::istringstream stream(sentence);
  for (std::string word; stream >> word;) {
    while (!word.empty() && std::string_view(".,?!").find(word.back()) != std::string_view::npos) {
      word.pop_back();
    }
    if (word.ends_with("'s")) word.resize(word.size() - 2);
    words.insert(word);
  }
  return words;
}

bool is_long_number(const std::string& word) {
  const auto digits = std::count_if(word.begin(), word.end(),
                                    [](unsigned char letter) { return std::isdigit(letter) != 0; });
  return digits >= 3 && word.find(':') == std::string::npos;  // a time of day is no number
}

std::u32string characters_of(const std::string& text) {
  std::u32string characters;
  for (const char byte : text) {
    const auto value = static_cast<unsigned char>(byte);
    if ((value & 0xC0U) != 0x80U) {
      const unsigned mask = value < 0x80 ? 0x7FU : value < 0xE0 ? 0x1FU : value < 0xF0 ? 0x0FU : 7U;
      characters += static_cast<char32_t>(value & mask);
    } else {
      characters.back() = (characters.back() << 6U) | (value & 0x3FU);
    }
  }
  return characters;
}

bool is_ordinary(const std::string& text) {
  return std::ranges::all_of(characters_of(text), [](char32_t character) {
    return character < 0x80 ||
           std::u32string_view(U"äöüßÄÖÜ€").find(character) != std::u32string_view::npos;
  });
}

double coverage_of_config() {
  std::ifstream file(DRAGOMAN_SOURCE_DIR "/examples/demo/config.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::string_view key = "\"character_coverage\": ";
  const std::size_t at = text.find(key);
  REQUIRE(at != std::string::npos);
  return std::stod(text.substr(at + key.size(), 8));
}

std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const unsigned char letter : text)
    hash = (hash ^ letter) * 0x100000001b3U;
  return hash;
}

}  // namespace

TEST_CASE("the sets have the sizes that were asked for, and no sentence twice", "[demo]") {
  const DataSet& data = default_set();
  CHECK(data.train.size() == 16000);
  CHECK(data.dev.size() == 500);
  CHECK(data.test.size() == 500);
  CHECK(data.test_unseen.size() == 500);
  std::unordered_set<std::string> sentences;
  for (const auto* set : {&data.train, &data.dev, &data.test, &data.test_unseen}) {
    for (const auto& pair : *set) {
      INFO(pair.english);
      REQUIRE(sentences.insert(pair.english).second);
    }
  }
  CHECK(data.test_copies.size() == 400);
  for (const auto& copy_case : data.test_copies) {
    INFO(copy_case.pair.english);
    REQUIRE(sentences.insert(copy_case.pair.english).second);
  }
}

TEST_CASE("a seed gives the same data on every machine, another seed other data", "[demo]") {
  const Sizes small{.train = 300, .dev = 20, .test = 20, .test_unseen = 20};
  const std::string text = text_of(make_data_set(1, small).train);
  CHECK(text == text_of(make_data_set(1, small).train));
  CHECK(text != text_of(make_data_set(2, small).train));
  CHECK(hash_of(text) == 7391983867873194370U);  // changes only when the grammar does
}

TEST_CASE("every sentence of the unseen test has a word that training never shows", "[demo]") {
  const DataSet& data = default_set();
  std::unordered_set<std::string> known;
  for (const auto& pair : data.train) {
    for (const auto& word : words_of(pair.english))
      known.insert(word);
  }
  for (const auto& pair : data.test_unseen) {
    INFO(pair.english);
    const auto words = words_of(pair.english);
    CHECK(std::any_of(words.begin(), words.end(),
                      [&](const std::string& word) { return !known.contains(word); }));
    for (const auto& word : words) {
      INFO(word);
      if (is_long_number(word)) CHECK(!known.contains(word));
    }
  }
}

TEST_CASE("training never shows the words that the test on copies asks for", "[demo]") {
  const DataSet& data = default_set();
  const std::string training = text_of(data.train);
  std::map<WordKind, int> cases;
  for (const auto& copy_case : data.test_copies) {
    INFO(copy_case.pair.english);
    std::set<WordKind> kinds;
    for (const auto& word : copy_case.words) {
      INFO(word.text);
      CHECK(training.find(word.text) == std::string::npos);
      CHECK(copy_case.pair.english.find(word.text) != std::string::npos);
      CHECK(copy_case.pair.german.find(word.text) != std::string::npos);
      CHECK(word.text.find_first_of(" \t") == std::string::npos);
      kinds.insert(word.kind);
    }
    for (const auto kind : kinds)
      ++cases[kind];
  }
  for (const auto kind : {WordKind::name, WordKind::number, WordKind::emoji, WordKind::script}) {
    INFO(name(kind));
    CHECK(cases[kind] >= 100);
  }
}

TEST_CASE("one training sentence in 12 to 20 has characters of other scripts or emoji", "[demo]") {
  const auto& train = default_set().train;
  const auto count =
      std::ranges::count_if(train, [](const Phrase& pair) { return !is_ordinary(pair.english); });
  CHECK(std::ssize(train) / count >= 12);
  CHECK(std::ssize(train) / count <= 20);
}

TEST_CASE("the tokeniser of the demo covers every ordinary character and few of other scripts",
          "[demo]") {
  std::map<char32_t, int> counts;
  double total = 0.0;
  for (const auto& pair : default_set().train) {
    for (const char32_t character : characters_of(pair.english + ' ' + pair.german + ' ')) {
      if (std::u32string_view(U"ÄÖÜ").find(character) != std::u32string_view::npos) continue;
      ++counts[character];  // without user_symbols
      total += 1.0;
    }
  }
  std::vector<std::pair<int, char32_t>> by_count;
  for (const auto& [character, count] : counts)
    by_count.emplace_back(count, character);
  std::ranges::sort(by_count, std::greater());
  std::u32string covered;  // as SentencePiece's character_coverage says
  double before = 0.0;
  for (const auto& [count, character] : by_count) {
    if (before / total < coverage_of_config()) covered += character;
    before += count;
  }
  for (const char32_t character :
       std::u32string_view(U"abcdefghijklmnopqrstuvwxyzäöüßABCDEFGHIJKLMNOPRSTUVWYZ"
                           U"0123456789 .,?!:'-/@€")) {
    INFO(static_cast<std::uint32_t>(character));
    CHECK(covered.find(character) != std::u32string::npos);
  }
  int foreign = 0;
  int foreign_covered = 0;
  for (const auto& copy_case : default_set().test_copies) {
    for (const auto& word : copy_case.words) {
      if (word.kind != WordKind::emoji && word.kind != WordKind::script) continue;
      const std::u32string characters = characters_of(word.text);
      ++foreign;
      foreign_covered += characters.find_first_of(covered) != std::u32string::npos ? 1 : 0;
    }
  }
  CHECK(foreign >= 200);
  CHECK(foreign_covered * 10 <= foreign);
}

TEST_CASE("names and numbers of the parts are disjoint", "[demo]") {
  std::set<std::string> names[2];
  std::set<std::int64_t> numbers[2];
  for (const auto part : {Part::seen, Part::unseen}) {
    Chooser chooser(dragoman::Random{5}, part);
    const auto index = static_cast<std::size_t>(part);
    for (int draw = 0; draw < 500; ++draw) {
      names[index].insert(chooser.first_name().text);
      names[index].insert(chooser.surname());
      names[index].insert(chooser.town());
      names[index].insert(chooser.unusual_name());
      names[index].insert(chooser.emoji());
      names[index].insert(chooser.odd_token());
      numbers[index].insert(chooser.number(100, 99999));
    }
  }
  CHECK(names[0].size() > 2000);
  CHECK(names[1].size() > 1500);
  for (const auto& name : names[1])
    CHECK(!names[0].contains(name));
  for (const auto number : numbers[1])
    CHECK(!numbers[0].contains(number));
}

TEST_CASE("every sentence is written properly in both languages", "[demo]") {
  for (const auto& pair : default_set().train) {
    for (const auto& text : {pair.english, pair.german}) {
      INFO(text);
      const auto first = static_cast<unsigned char>(text.front());
      REQUIRE((std::isupper(first) != 0 || std::isdigit(first) != 0 || first >= 0x80));
      REQUIRE(!text.starts_with("ä"));
      REQUIRE(!text.starts_with("ü"));
      REQUIRE(std::string_view(".?!").find(text.back()) != std::string_view::npos);
      REQUIRE(text.find("  ") == std::string::npos);
      REQUIRE(text.find(" .") == std::string::npos);
      REQUIRE(text.find("..") == std::string::npos);
      REQUIRE(text.find('\n') == std::string::npos);
    }
    REQUIRE(pair.english.back() == pair.german.back());
  }
}

}  // namespace demo
