#include "dragoman/data/line_reader.h"

#include <unistd.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "dragoman/data/error.h"
#include "tests/data/texts.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using Catch::Contains;
using dragoman::DataError;
using dragoman::InvalidText;
using dragoman::LineReader;
using dragoman::read_lines;
using dragoman_test::compress;
using dragoman_test::TemporaryFolder;
using dragoman_test::Texts;
using std::string_literals::operator""s;

namespace {

Texts lines_of(const TemporaryFolder& folder, const std::string& content,
               InvalidText policy = InvalidText::error) {
  return read_lines(folder.write("file", content), policy);
}

}  // namespace

TEST_CASE("lines come without their ends, and the last needs none", "[line_reader]") {
  const TemporaryFolder folder;
  CHECK(lines_of(folder, "").empty());
  CHECK(lines_of(folder, "a\nb\n") == Texts{"a", "b"});
  CHECK(lines_of(folder, "a\nb") == Texts{"a", "b"});
  CHECK(lines_of(folder, "a\r\nb\r\n") == Texts{"a", "b"});
  CHECK(lines_of(folder, "a\r\nb\r") == Texts{"a", "b"});
  CHECK(lines_of(folder, "\n\n") == Texts{"", ""});
  CHECK(lines_of(folder, "a\rb\u2028c\x85\n", InvalidText::replace).size() == 1);
}

TEST_CASE("a byte order mark at the start is left out, elsewhere it stays", "[line_reader]") {
  const TemporaryFolder folder;
  CHECK(lines_of(folder,
                 "\xEF\xBB\xBF"
                 "a\n\xEF\xBB\xBF"
                 "b\n") == Texts{"a",
                                 "\xEF\xBB\xBF"
                                 "b"});
  LineReader reader(folder.path("file"));
  std::string line;
  REQUIRE(reader.next(line));
  reader.seek(0, 0);
  REQUIRE(reader.next(line));
  CHECK(line == "a");
}

TEST_CASE("gzip is recognised by content, also in several members", "[line_reader]") {
  const TemporaryFolder folder;
  CHECK(lines_of(folder, compress("a\nb\n")) == Texts{"a", "b"});
  CHECK(lines_of(folder, compress("a\nb") + compress("c\nd\n") + compress("")) ==
        Texts{"a", "bc", "d"});
  CHECK(lines_of(folder, compress("")).empty());
}

TEST_CASE("a line of a million characters is read whole", "[line_reader]") {
  const TemporaryFolder folder;
  const std::string line = "x" + std::string(1000000, 'a') + "ü";
  CHECK(lines_of(folder, "first\n" + line + "\nlast\n") == Texts{"first", line, "last"});
  CHECK(lines_of(folder, compress("first\n" + line + "\nlast\n")) == Texts{"first", line, "last"});
}

TEST_CASE("reading goes on exactly where an offset was told", "[line_reader]") {
  const TemporaryFolder folder;
  const Texts lines = dragoman_test::made_up_lines(30000, 3);  // several buffers
  for (const std::string end : {"\n", "\r\n"}) {
    const std::string text = dragoman_test::join(lines, end);
    for (const auto& content :
         {text, compress(text.substr(0, 4000)) + compress(text.substr(4000))}) {
      LineReader reader(folder.write("file", content));
      std::vector<std::int64_t> offsets;
      std::string line;
      do {
        offsets.push_back(reader.offset());
      } while (reader.next(line));
      REQUIRE(offsets.size() == lines.size() + 1);
      CHECK(offsets.back() == std::ssize(text));
      for (const std::size_t index : {29999UL, 0UL, 12345UL, 12346UL, 1UL, 20000UL}) {
        reader.seek(offsets[index], static_cast<std::int64_t>(index));
        REQUIRE(reader.next(line));
        CHECK(line == lines[index]);
        CHECK(reader.line_number() == static_cast<std::int64_t>(index) + 1);
        CHECK(reader.offset() == offsets[index + 1]);
      }
      reader.seek(offsets.back(), 30000);
      CHECK_FALSE(reader.next(line));
    }
  }
}

TEST_CASE("text that is not UTF-8 is an error with file, line and byte", "[line_reader]") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(lines_of(folder, "good\nbad \xFF text\n"),
                    folder.path("file") +
                        ":2: byte 0xFF is not UTF-8 at byte 5 of the line. Repair the "
                        "text, or set data.invalid_text to \"replace\".");
  CHECK_THROWS_WITH(lines_of(folder, "good\ngood\nb\0d\n"s),
                    Contains(":3: a NUL byte at byte 2 of the line."));
  CHECK_THROWS_AS(lines_of(folder, "\xC3\n"), DataError);
}

TEST_CASE("text that is not UTF-8 can be repaired, and is counted", "[line_reader]") {
  const TemporaryFolder folder;
  LineReader reader(folder.write("file",
                                 "good\nb\xFF"
                                 "d\nb\0d\n"s),
                    InvalidText::replace);
  Texts lines;
  for (std::string line; reader.next(line);)
    lines.push_back(line);
  CHECK(lines == Texts{"good", "b\uFFFDd", "bd"});
  CHECK(reader.repaired() == 2);
}

TEST_CASE("a missing file and a folder are errors that say so", "[line_reader]") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(read_lines(folder.path("none")),
                    folder.path("none") + ": no such file. Check the path.");
  CHECK_THROWS_WITH(read_lines(folder.path()), Contains("is a folder, not a file."));
  CHECK_THROWS_AS(read_lines(folder.path("none")), DataError);
}

TEST_CASE("damaged gzip is an error, however it is damaged", "[line_reader]") {
  const TemporaryFolder folder;
  const std::string packed = compress(dragoman_test::join(dragoman_test::made_up_lines(2000, 1)));
  for (const std::size_t kept : {packed.size() - 1, packed.size() - 9, packed.size() / 2, 11UL}) {
    CHECK_THROWS_WITH(lines_of(folder, packed.substr(0, kept)),
                      Contains("The file is truncated: copy it again."));
  }
  std::string flipped = packed;
  flipped[packed.size() / 2] = static_cast<char>(flipped[packed.size() / 2] ^ 4);
  CHECK_THROWS_AS(lines_of(folder, flipped), DataError);
  std::string wrong_sum = packed;
  wrong_sum[packed.size() - 6] = static_cast<char>(wrong_sum[packed.size() - 6] ^ 1);
  CHECK_THROWS_WITH(lines_of(folder, wrong_sum),
                    Contains("the gzip data are damaged (incorrect data check)"));
  CHECK_THROWS_WITH(lines_of(folder, packed + "garbage"),
                    Contains("bytes that are not gzip follow the compressed data"));
}

TEST_CASE("foreign formats are named", "[line_reader]") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(lines_of(folder, "BZh91AY&SY"), Contains("is compressed with bzip2"));
  CHECK_THROWS_WITH(lines_of(folder,
                             "\xFD"
                             "7zXZ\0"s),
                    Contains("is compressed with xz"));
  CHECK_THROWS_WITH(lines_of(folder, "\x28\xB5\x2F\xFD..."), Contains("is compressed with zstd"));
  CHECK_THROWS_WITH(lines_of(folder, "PK\x03\x04..."), Contains("is a zip archive. Unpack it."));
  CHECK_THROWS_WITH(lines_of(folder,
                             "\xFF\xFE"
                             "a\0"s),
                    Contains("is UTF-16. Convert it with iconv"));
}

TEST_CASE("standard input is read as it comes, compressed or not", "[line_reader]") {
  {
    const dragoman_test::StandardInput input("a\nb\n");
    CHECK(read_lines("-") == Texts{"a", "b"});
  }
  {
    const dragoman_test::StandardInput input(compress("a\nb\n"));
    CHECK(read_lines("-") == Texts{"a", "b"});
  }
  const dragoman_test::StandardInput input("a\n\xFF\n");
  CHECK_THROWS_WITH(read_lines("-"), Contains("standard input:2: byte 0xFF is not UTF-8"));
}

TEST_CASE("a line that was typed comes before the next one is", "[line_reader]") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  std::optional<LineReader> reader;
  std::string line;
  for (const std::string text : {"\n", "B\n", "P\n", "yes\n"}) {
    REQUIRE(::write(ends[1], text.data(), text.size()) == std::ssize(text));
    if (!reader) reader.emplace("/dev/fd/" + std::to_string(ends[0]));
    REQUIRE(reader->next(line));  // would wait for ever
    CHECK(line + "\n" == text);
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("a pipe cannot go back", "[line_reader]") {
  const dragoman_test::StandardInput input("a\nb\n");
  LineReader reader("-");
  std::string line;
  REQUIRE(reader.next(line));
  CHECK_THROWS_WITH(reader.seek(0, 0), "standard input: cannot be read twice. Give a file.");
}
