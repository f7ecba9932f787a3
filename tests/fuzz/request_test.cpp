// Requests of any bytes: each gets its translation or an error that says what is wrong.
#include <functional>
#include <string>
#include <vector>

#include "apps/translate_input.h"
#include "dragoman/data/config.h"
#include "dragoman/data/error.h"
#include "dragoman/data/line_reader.h"
#include "dragoman/inference/dragoman.h"
#include "dragoman/inference/translator.h"
#include "tests/fuzz/damage.h"
#include "tests/inference/copying_batch.h"
#include "tests/inference/tiny_file.h"
#include "tests/support/catch.h"

namespace {

using dragoman::DecodingOptions;
using dragoman::Translator;
using dragoman_test::damage_bytes;
using dragoman_test::damage_json;
using dragoman_test::draw;
using dragoman_test::Random;

/// Texts that programs stumble over.
const std::vector<std::string>& strange_texts() {
  using std::string_literals::operator""s;
  static const std::vector<std::string> texts = [] {
    std::string controls;
    for (int byte = 1; byte < 32; ++byte)
      controls += static_cast<char>(byte);
    std::string lines;
    std::string words;
    while (words.size() < (1 << 20)) {
      words += "two dogs play ";
      lines += "a\r\n\u2028\u0085\v";
    }
    std::string combining = "e";
    for (int mark = 0; mark < 20000; ++mark)
      combining += "\u0301";
    return std::vector<std::string>{"",
                                    " \t\r\n",
                                    "\0"s,
                                    "a\0b"s,
                                    "\xff",
                                    "a\xc3",
                                    "\xed\xa0\x80",        // a lone surrogate
                                    "\xc0\xaf",            // an overlong form
                                    "\xf4\x90\x80\x80",    // above U+10FFFF
                                    "\xef\xbb\xbfmarked",  // a mark of byte order
                                    "\xef\xbf\xbe\xef\xbf\xbf",
                                    "\u202eback\u202c",
                                    "\u2581\u2581\u2581",  // SentencePiece's mark of whitespace
                                    "<unk><s></s><pad>",
                                    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
                                    controls + "\x7f",
                                    combining,
                                    words,
                                    lines,
                                    std::string(1 << 20, 'x'),
                                    std::string(1 << 20, '\x80'),
                                    std::string(1 << 20, '\n')};
  }();
  return texts;
}

std::string strange_text(Random& random) {
  const auto& texts = strange_texts();
  switch (draw(random, 4)) {
    case 0:
      return texts[draw(random, texts.size())].substr(0, 4000);
    case 1: {
      std::string text;
      for (std::size_t length = draw(random, 40); length > 0; --length)
        text += static_cast<char>(random());
      return text;
    }
    default: {
      const auto& lines = dragoman_test::tiny_lines();
      return damage_bytes(lines[draw(random, lines.size())], random);
    }
  }
}

/// Whether there was a result; an error other than of the request comes out.
bool has_result(const std::function<dragoman::Translation()>& work) {
  try {
    return !work().hypotheses.empty();
  } catch (const dragoman::UsageError&) {
    return false;
  }
}

dragoman::ModelConfig fuzzed_config(bool copies) {
  return copies ? dragoman_test::copying_config(60) : dragoman_test::tiny_config(60);
}

void check_texts_of(const Translator& translator, const std::vector<std::string>& texts) {
  DecodingOptions options = translator.defaults();
  options.max_length = 8;
  for (std::size_t index = 0; index < texts.size(); ++index) {
    const std::string& text = texts[index];
    CAPTURE(index, text.substr(0, 100));
    const bool is_fine = has_result([&] { return translator.translate(text, options); });
    CHECK(is_fine == has_result([&] { return translator.submit(text, options).get(); }));
    CHECK(is_fine == has_result([&] {
            return translator.translate_stream(text, options,
                                               [](std::string_view) { return true; });
          }));
  }
}

void check_texts_of_both(std::uint64_t count) {
  std::vector<std::string> texts = strange_texts();
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    Random random(seed);
    texts.push_back(strange_text(random));
  }
  for (const bool copies : {false, true}) {
    const dragoman_test::TinyFile file(fuzzed_config(copies));
    check_texts_of(Translator(file.path(), {.threads = 2}), texts);
  }
}

std::string taken(char* text) {
  const std::string message = text == nullptr ? "" : text;
  dragoman_free_text(text);
  return message;
}

/// Of one request in C. A status that blames the library is none that is allowed.
void check_status_of(dragoman_status status, char* error) {
  const std::string message = taken(error);
  CAPTURE(message);
  CHECK(status != DRAGOMAN_INTERNAL_ERROR);
  CHECK(status != DRAGOMAN_MODEL_ERROR);
  CHECK(message.empty() == (status == DRAGOMAN_OK));
}

void check_options_in_c(std::uint64_t count) {
  const dragoman_test::TinyFile file(fuzzed_config(true));
  dragoman_translator* translator = nullptr;
  REQUIRE(dragoman_load(file.path().c_str(), R"({"threads": 2})", &translator, nullptr) ==
          DRAGOMAN_OK);
  const std::string decoding = to_json_text(DecodingOptions{.max_length = 8,
                                                            .protect = {"url"},
                                                            .suppress = {"w"},
                                                            .prefix = "two",
                                                            .constraints = {"a dog"}});
  const std::string request_options = R"({"timeout_ms": 1000, "priority": 1})";
  int accepted = 0;
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const std::string text = strange_text(random);
    const std::string own = damage_json(decoding, random);
    // The deadline stays in most, since what is asked for may take hours.
    const bool is_damaged = draw(random, 4) == 0;
    const std::string given = is_damaged ? damage_json(request_options, random) : request_options;
    dragoman_request* request = nullptr;
    dragoman_translations* found = nullptr;
    char* error = nullptr;
    const auto status =
        dragoman_submit(translator, text.c_str(), is_damaged ? nullptr : own.c_str(), given.c_str(),
                        nullptr, nullptr, &request, &error);
    check_status_of(status, error);
    CHECK((request == nullptr) == (status != DRAGOMAN_OK));
    if (request == nullptr) continue;
    ++accepted;
    check_status_of(dragoman_wait(request, &found, &error), error);
    dragoman_free_request(request);
    dragoman_free_translations(found);
  }
  CHECK(accepted > static_cast<int>(count) / 200);
  for (std::uint64_t seed = 0; seed < count / 10; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    // Not the number of threads: a thousand are allowed.
    const std::string options =
        R"({"threads": 1, )" +
        damage_json(R"("batch_size": 8, "queue": {"capacity": 4, "when_full": "refuse"}, )"
                    R"("device": "cpu", "precision": "int8"})",
                    random);
    dragoman_translator* other = nullptr;
    char* error = nullptr;
    const auto status = dragoman_load(file.path().c_str(), options.c_str(), &other, &error);
    check_status_of(status, error);
    CHECK((other == nullptr) == (status != DRAGOMAN_OK));
    dragoman_free(other);
  }
  dragoman_free(translator);
}

void check_json_lines(std::uint64_t count) {
  const dragoman_test::TemporaryFolder folder;
  const std::string line =
      R"({"text": "two dogs play in the snow", "prefix": "two", "constraints": ["a dog", "snow"]})";
  std::string content;
  std::uint64_t lines = 0;
  for (std::uint64_t seed = 0; seed < count; ++seed) {
    Random random(seed);
    std::string damaged = damage_json(line, random);
    for (char& letter : damaged)
      if (letter == '\n' || letter == '\r') letter = ' ';
    content += damaged + "\n";
    ++lines;
  }
  for (std::size_t depth = 1; depth <= (1 << 20); depth *= 32, lines += 2) {
    content += R"({"text": )" + std::string(depth, '[') + std::string(depth, ']') + "}\n";
    content += std::string(depth, '{') + "\n";
  }
  const dragoman_test::TinyFile file;
  const Translator translator(file.path(), {.threads = 1});
  DecodingOptions options = translator.defaults();
  options.max_length = 8;
  dragoman::LineReader reader(folder.write("lines.jsonl", content), dragoman::InvalidText::replace);
  std::uint64_t translated = 0;
  std::uint64_t refused = 0;
  for (bool is_done = false; !is_done;) {
    CAPTURE(reader.line_number());
    try {
      const dragoman::TranslateInput input = dragoman::read_input(reader, true, 1, {});
      is_done = input.texts.empty();
      if (is_done) continue;
      translated += translator.translate_batch(input.texts, options, input.own).size();
    } catch (const dragoman::DataError&) {
      ++refused;
    } catch (const dragoman::UsageError&) {
      ++refused;
    }
  }
  CHECK(translated + refused == lines);
  CHECK(translated > 0);
}

}  // namespace

TEST_CASE("whatever text comes in, every way of asking gives a result or says why not", "[fuzz]") {
  check_texts_of_both(60);
}
TEST_CASE("thousands of texts give a result or say why not", "[fuzz][.slow]") {
  check_texts_of_both(5000);
}

TEST_CASE("C: whatever the options are, there is a result or a reason", "[fuzz]") {
  check_options_in_c(400);
}
TEST_CASE("C: thousands of options give a result or a reason", "[fuzz][.slow]") {
  check_options_in_c(5000);
}

TEST_CASE("lines of damaged JSON are translated or refused", "[fuzz]") {
  check_json_lines(200);
}
TEST_CASE("thousands of lines of damaged JSON are translated or refused", "[fuzz][.slow]") {
  check_json_lines(10000);
}
