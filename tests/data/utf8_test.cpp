#include "dragoman/data/utf8.h"

#include <string>

#include "dragoman/data/random.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

using dragoman::find_bad_text;
using dragoman::repair_text;
using std::string_literals::operator""s;

namespace {

constexpr auto kNone = std::string::npos;

/// Bytes that often almost make UTF-8.
std::string nearly_utf8(std::size_t size, std::uint64_t seed) {
  dragoman::Random random(seed);
  const std::string bytes =
      "ab \0\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xC3\xDF\xE0\xE1\xED\xEE\xEF\xF0\xF1\xF4\xF5\xFF"s;
  std::string text;
  while (text.size() < size) {
    text += random.below(4) == 0 ? "plain ASCII, more than eight bytes; ä € 😀"s
                                 : std::string(1, bytes[random.below(bytes.size())]);
  }
  return text;
}

}  // namespace

TEST_CASE("well-formed text has no bad byte", "[utf8]") {
  for (const auto& text :
       {""s, "a"s, "plain ASCII that is longer than eight bytes"s, "äöü ß €"s,
        "\u0080\u07FF\u0800\uD7FF\uE000\uFFFF"s, "😀\U00010000\U0010FFFF"s, "\x01\x7F\t"s}) {
    CHECK(find_bad_text(text) == kNone);
    CHECK(repair_text(text) == text);
  }
}

TEST_CASE("the first bad byte is found wherever it stands", "[utf8]") {
  const std::string bad[] = {"\x80"s,
                             "\xC0\xAF"s,
                             "\xC3"s,
                             "\xE0\x9F\xBF"s,
                             "\xED\xA0\x80"s,
                             "\xE2\x82"s,
                             "\xF0\x8F\xBF\xBF"s,
                             "\xF4\x90\x80\x80"s,
                             "\xF5"s,
                             "\xFF"s,
                             "\0"s};
  for (const auto& bytes : bad) {
    for (std::size_t before = 0; before < 20; ++before) {
      CHECK(find_bad_text(std::string(before, 'x') + bytes + "tail of the line") == before);
      CHECK(find_bad_text(std::string(before, 'x') + "ä" + bytes) == before + 2);
    }
  }
}

TEST_CASE("repair replaces each ill-formed part once and drops NUL", "[utf8]") {
  CHECK(repair_text("a\xFFz") == "a\uFFFDz");
  CHECK(repair_text("a\xE2\x82z") == "a\uFFFDz");
  CHECK(repair_text("a\xED\xA0\x80z") == "a\uFFFD\uFFFD\uFFFDz");
  CHECK(repair_text("a\0z"s) == "az");
  CHECK(find_bad_text(repair_text(nearly_utf8(5000, 3))) == kNone);
}

TEST_CASE("repair gives what Python's decoder gives", "[utf8][python]") {
  if (dragoman_test::python().empty()) {
    WARN("skipped: no Python (set DRAGOMAN_PYTHON)");
    return;
  }
  const dragoman_test::TemporaryFolder folder;
  const std::string text = nearly_utf8(200000, 5);
  const auto input = folder.write("bytes", text);
  REQUIRE(dragoman_test::run_python(DRAGOMAN_SOURCE_DIR "/tests/data/text_reference.py",
                                    "repair " + input + " " + folder.path("expected")) == 0);
  CHECK(repair_text(text) == folder.read("expected"));
}

TEST_CASE("a cut never goes through a character", "[utf8]") {
  const std::string text = "aä€😀";
  CHECK(dragoman::character_boundary(text, 1) == 1);
  CHECK(dragoman::character_boundary(text, 2) == 1);
  CHECK(dragoman::character_boundary(text, 5) == 3);
  CHECK(dragoman::character_boundary(text, 9) == 6);
  CHECK(dragoman::character_boundary(text, 10) == 10);
  CHECK(dragoman::character_boundary(text, 99) == 10);
}
