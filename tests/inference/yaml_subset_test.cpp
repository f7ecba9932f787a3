#include "dragoman/inference/models/import/yaml_subset.h"

#include <string>
#include <vector>

#include "dragoman/data/error.h"
#include "tests/support/catch.h"

using Catch::Contains;
using dragoman::read_yaml_settings;
using dragoman::read_yaml_vocabulary;

TEST_CASE("what Marian writes as YAML is read", "[import]") {
  const auto settings = read_yaml_settings(
      "type: transformer\ndim-vocabs:\n  - 5\n  - \"6\"\ntied:\n  []\n\nempty: \"\"\n",
      "model.yml");
  CHECK(settings.at("type") == std::vector<std::string>{"transformer"});
  CHECK(settings.at("dim-vocabs") == std::vector<std::string>{"5", "6"});
  CHECK(settings.at("tied").empty());
  CHECK(settings.at("empty") == std::vector<std::string>{""});

  // Not in order, and quoted in every way.
  CHECK(read_yaml_vocabulary("</s>: 0\n\"\\\"\": 2\n▁the: 1\n'it''s': 3\n\"\\x41\\u00e9\\t\": 4\n"
                             "\":\": 5\na:b: 6\n\"\\U0001F600\": 7\n",
                             "vocab.yml") ==
        std::vector<std::string>{"</s>", "▁the", "\"", "it's", "Aé\t", ":", "a:b", "😀"});
}

TEST_CASE("other YAML is refused with its line", "[import]") {
  const auto settings_error = [](const std::string& text) {
    try {
      static_cast<void>(read_yaml_settings(text, "model.yml"));
    } catch (const dragoman::ModelError& error) {
      return std::string(error.what());
    }
    return std::string("read");
  };
  CHECK_THAT(settings_error("a: 1\na: 2\n"), Contains("model.yml:2: a key stands here a second"));
  CHECK_THAT(settings_error("- 1\n"), Contains("model.yml:1: an item stands under no key"));
  CHECK_THAT(settings_error("a:\n  b: 1\n"), Contains("model.yml:2: is no line with a key"));
  const auto vocabulary_error = [](const std::string& text) {
    try {
      static_cast<void>(read_yaml_vocabulary(text, "vocab.yml"));
    } catch (const dragoman::ModelError& error) {
      return std::string(error.what());
    }
    return std::string("read");
  };
  CHECK_THAT(vocabulary_error("a: 0\nb: 0\n"), Contains("vocab.yml:2: the number stands here"));
  CHECK_THAT(vocabulary_error("a: 0\nb: 2\n"), Contains("no word has the number 1"));
  for (const char* line :
       {"a\n", "a: -1\n", "\"a: 0\n", "\"\\q\": 0\n", "\"\\ud800\": 0\n", ": 0\n"})
    CHECK_THAT(vocabulary_error(line), Contains("vocab.yml:1: is no word with a number"));
}
