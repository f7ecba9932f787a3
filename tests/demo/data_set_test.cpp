#include <algorithm>
#include <cctype>
#include <set>
#include <sstream>
#include <string>
#include <unordered_set>

#include "examples/demo/data_set.h"
#include "tests/support/catch.h"

namespace demo {

namespace {

const DataSet& default_set() {
  static const DataSet set = make_data_set(1, {});
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
}

TEST_CASE("a seed gives the same data on every machine, another seed other data", "[demo]") {
  const Sizes small{.train = 300, .dev = 20, .test = 20, .test_unseen = 20};
  const std::string text = text_of(make_data_set(1, small).train);
  CHECK(text == text_of(make_data_set(1, small).train));
  CHECK(text != text_of(make_data_set(2, small).train));
  CHECK(hash_of(text) == 12410993013207711959U);  // changes only when the grammar does
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
      numbers[index].insert(chooser.number(100, 99999));
    }
  }
  CHECK(names[0].size() > 500);
  CHECK(names[1].size() > 200);
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
      REQUIRE((std::isupper(first) != 0 || std::isdigit(first) != 0 || text.starts_with("Ä") ||
               text.starts_with("Ü")));
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
