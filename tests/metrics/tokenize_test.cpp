#include "dragoman/data/metrics/tokenize.h"

#include "tests/support/catch.h"

using dragoman::BleuTokenizer;
using dragoman::to_code_points;
using dragoman::to_utf8;

namespace {

/// Tokens, separated by "|".
std::string tokens(const std::string& line, BleuTokenizer tokenizer) {
  std::string result;
  const std::u32string text = tokenize_for_bleu(to_code_points(line), tokenizer);
  for (const auto word : dragoman::split(text)) {
    if (!result.empty()) result += '|';
    result += to_utf8(word);
  }
  return result;
}

std::string lower(const std::string& text) {
  return to_utf8(dragoman::to_lower(to_code_points(text)));
}

}  // namespace

TEST_CASE("13a splits punctuation but not numbers, and resolves entities") {
  const auto split = [](const std::string& line) { return tokens(line, BleuTokenizer::v13a); };
  CHECK(split("Hello, world!") == "Hello|,|world|!");
  CHECK(split("It's 1,000.50 (or 3.14).") == "It's|1,000.50|(|or|3.14|)|.");
  CHECK(split("born in 1990.") == "born|in|1990|.");
  CHECK(split("&quot;a&quot; &amp; &lt;b&gt;") == "\"|a|\"|&|<|b|>");
  CHECK(split("&amp;lt;") == "<");
  CHECK(split("5-year, well-known") == "5|-|year|,|well-known");
  CHECK(split("a<skipped>b -\nc\nd") == "ab|c|d");
  CHECK(split("wait...") == "wait|.|.|.");
  CHECK(split("„Ja“, sagt sie") == "„Ja“|,|sagt|sie");
  CHECK(split("") == "");
}

TEST_CASE("intl splits punctuation and symbols of every script") {
  const auto split = [](const std::string& line) { return tokens(line, BleuTokenizer::intl); };
  CHECK(split("„Ja“, sagt sie") == "„|Ja|“|,|sagt|sie");
  CHECK(split("1,000.50€ in 1990.") == "1,000.50|€|in|1990.");
  CHECK(split("a+b 你好。") == "a|+|b|你好|。");
  CHECK(split("&quot;") == "&|quot|;");
}

TEST_CASE("char, zh and none split as their names say") {
  CHECK(tokens("né 1", BleuTokenizer::character) == "n|é|1");
  CHECK(tokens("你好ab。1.5", BleuTokenizer::zh) == "你|好|ab|。|1.5");
  CHECK(tokens("a, b.", BleuTokenizer::none) == "a,|b.");
}

TEST_CASE("lower case follows the language-neutral rules of Unicode") {
  CHECK(lower("ÄÖÜ ẞ ABC") == "äöü ß abc");
  CHECK(lower("ΟΔΥΣΣΕΥΣ ΣΑΣ Σ Σ.") == "οδυσσευς σας σ σ.");
  CHECK(lower("İI") == "i\u0307i");
  CHECK(lower("plain") == "plain");
}

TEST_CASE("bytes that are no UTF-8 become replacement characters") {
  CHECK(to_utf8(to_code_points("a\xff z")) == "a\uFFFD z");
  CHECK(to_utf8(to_code_points("\xc3")) == "\uFFFD");
  CHECK(to_utf8(to_code_points("é你😀")) == "é你😀");
}
