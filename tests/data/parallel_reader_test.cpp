#include "dragoman/data/parallel_reader.h"

#include <nlohmann/json.hpp>
#include <string>

#include "dragoman/data/error.h"
#include "tests/data/texts.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using Catch::Contains;
using dragoman::CorpusConfig;
using dragoman::CorpusFormat;
using dragoman::DataError;
using dragoman::InvalidText;
using dragoman::read_parallel;
using dragoman::UsageError;
using dragoman_test::compress;
using dragoman_test::join;
using dragoman_test::TemporaryFolder;
using dragoman_test::Texts;

namespace {

CorpusConfig corpus(const std::string& source, const std::string& target = "",
                    CorpusFormat format = CorpusFormat::detect) {
  return {.source = source, .target = target, .format = format};
}

std::string as_tsv(const Texts& source, const Texts& target) {
  std::string text;
  for (std::size_t line = 0; line < source.size(); ++line)
    text += source[line] + "\t" + target[line] + "\n";
  return text;
}

std::string as_jsonl(const Texts& source, const Texts& target) {
  std::string text;
  for (std::size_t line = 0; line < source.size(); ++line) {
    text +=
        nlohmann::json{{"target", target[line]}, {"id", line}, {"source", source[line]}}.dump() +
        "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("a corpus is the same as text, TSV and JSONL, compressed or not", "[parallel_reader]") {
  const TemporaryFolder folder;
  const Texts source = dragoman_test::made_up_lines(300, 1);
  const Texts target = dragoman_test::made_up_lines(300, 2);
  folder.write("s", join(source));
  folder.write("t", join(target, "\r\n"));
  folder.write("s.gz", compress(join(source)));
  folder.write("t.gz", compress(join(target)));
  folder.write("c.tsv", as_tsv(source, target));
  folder.write("c.tsv.gz", compress(as_tsv(source, target)));
  folder.write("c.jsonl", as_jsonl(source, target));
  folder.write("c.json.gz", compress(as_jsonl(source, target)));
  folder.write("pairs", as_jsonl(source, target));
  for (const auto& config : {corpus("s", "t"), corpus("s.gz", "t"), corpus("s", "t.gz"),
                             corpus("c.tsv"), corpus("c.tsv.gz"), corpus("c.jsonl"),
                             corpus("c.json.gz"), corpus("pairs", "", CorpusFormat::jsonl)}) {
    const auto lines = read_parallel(dragoman::with_folder(config, folder.path()));
    CHECK(lines.source == source);
    CHECK(lines.target == target);
  }
}

TEST_CASE("paths that are absolute or standard input do not move into the folder",
          "[parallel_reader]") {
  CHECK(dragoman::with_folder(corpus("a", "/b"), "/data").source == "/data/a");
  CHECK(dragoman::with_folder(corpus("a", "/b"), "/data").target == "/b");
  CHECK(dragoman::with_folder(corpus("-"), "/data").source == "-");
  CHECK(dragoman::with_folder(corpus("a"), "/data").target.empty());
  CHECK(dragoman::with_folder(corpus("a"), "").source == "a");
}

TEST_CASE("different numbers of lines are named, both of them", "[parallel_reader]") {
  const TemporaryFolder folder;
  const auto three = folder.write("three", "1\n2\n3\n");
  const auto five = folder.write("five", "1\n2\n3\n4\n5");
  CHECK_THROWS_WITH(read_parallel(corpus(three, five)),
                    three + ": has 3 lines, but " + five +
                        " has 5. Line n of one must belong to line n of "
                        "the other: give files of the same length.");
  CHECK_THROWS_WITH(read_parallel(corpus(five, three)),
                    Contains(five + ": has 5 lines, but " + three + " has 3."));
  CHECK_THROWS_AS(read_parallel(corpus(five, three)), DataError);
}

TEST_CASE("a TSV line without exactly one tab is an error with file and line",
          "[parallel_reader]") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(read_parallel(corpus(folder.write("c.tsv", "a\tb\nc d\n"))),
                    folder.path("c.tsv") +
                        ":2: has 0 tabs, but a pair has exactly 1, between source and "
                        "target. Repair or remove the line.");
  CHECK_THROWS_WITH(read_parallel(corpus(folder.write("c.tsv", "a\tb\tc\n"))),
                    Contains(":1: has 2 tabs"));
  CHECK_THROWS_WITH(read_parallel(corpus(folder.write("c.tsv", "a\tb\n\nc\td\n"))),
                    Contains(":2: has 0 tabs"));
}

TEST_CASE("a JSONL line that is no pair is an error with file and line", "[parallel_reader]") {
  const TemporaryFolder folder;
  const std::string good = R"({"source": "a", "target": "b"})"
                           "\n";
  const auto read = [&](const std::string& line) {
    return read_parallel(corpus(folder.write("c.jsonl", good + line + "\n")));
  };
  CHECK_THROWS_WITH(read("{\"source\": "), Contains("c.jsonl:2: is not JSON (at byte "));
  CHECK_THROWS_WITH(read("{\"source\": 1e999}"), Contains("c.jsonl:2: holds a number"));
  CHECK_THROWS_WITH(read(""), Contains("c.jsonl:2: is not JSON"));
  CHECK_THROWS_WITH(read("[1, 2]"), Contains("c.jsonl:2: is no JSON object. Each line must be"));
  CHECK_THROWS_WITH(read(R"({"source": "a"})"), Contains("c.jsonl:2: has no \"target\"."));
  CHECK_THROWS_WITH(read(R"({"source": 5, "target": "b"})"),
                    Contains("c.jsonl:2: \"source\" is number, not a string."));
  CHECK_THROWS_WITH(read(R"({"source": "a\u0000b", "target": "b"})"),
                    Contains("c.jsonl:2: \"source\" holds a NUL byte."));
  CHECK_THROWS_AS(read(R"({"source": "\ud800", "target": "b"})"), DataError);
}

TEST_CASE("a NUL byte in JSONL is dropped where repair is asked for", "[parallel_reader]") {
  const TemporaryFolder folder;
  const auto path = folder.write("c.jsonl", R"({"source": "a\u0000b", "target": "c"})");
  dragoman::ParallelReader reader(corpus(path), InvalidText::replace);
  std::string source;
  std::string target;
  REQUIRE(reader.next(source, target));
  CHECK(source == "ab");
  CHECK(reader.repaired() == 1);
}

TEST_CASE("corpora whose fields do not go together are refused", "[parallel_reader]") {
  CHECK_THROWS_WITH(read_parallel(corpus("")),
                    "corpus: source is empty. Name the file with the source lines.");
  CHECK_THROWS_WITH(read_parallel(corpus("a.txt")), Contains("corpus a.txt: target is empty."));
  CHECK_THROWS_WITH(read_parallel(corpus("a.tsv", "b")),
                    Contains("holds both sides, but target is b."));
  CHECK_THROWS_WITH(read_parallel(corpus("-")), Contains("Set format to tsv or jsonl."));
  CHECK_THROWS_AS(read_parallel(corpus("a", "-")), UsageError);
}

TEST_CASE("a corpus on standard input can be opened again and again", "[parallel_reader]") {
  const Texts source = dragoman_test::made_up_lines(300, 1);
  const Texts target = dragoman_test::made_up_lines(300, 2);
  const dragoman_test::StandardInput input(as_tsv(source, target));
  for (int time = 0; time < 2; ++time) {
    const auto lines = read_parallel(corpus("-", "", CorpusFormat::tsv));
    CHECK(lines.source == source);
    CHECK(lines.target == target);
  }
}

TEST_CASE("a pipe under a name is refused as a corpus, since it can be read only once",
          "[parallel_reader]") {
  const TemporaryFolder folder;
  const dragoman_test::StandardInput input("a\n");
  CHECK_THROWS_WITH(read_parallel(corpus("/dev/stdin", folder.write("t", "b\n"))),
                    Contains("/dev/stdin: is a pipe or device, which can be read only once"));
  CHECK_THROWS_WITH(read_parallel(corpus(folder.path(), folder.path("t"))),
                    Contains("is a folder, not a file."));
}

TEST_CASE("pairs are read on from a position, in every format", "[parallel_reader]") {
  const TemporaryFolder folder;
  const Texts source = dragoman_test::made_up_lines(200, 1);
  const Texts target = dragoman_test::made_up_lines(200, 2);
  for (const auto& config :
       {corpus(folder.write("s", join(source)), folder.write("t", join(target))),
        corpus(folder.write("c.tsv.gz", compress(as_tsv(source, target))))}) {
    dragoman::ParallelReader reader(config, InvalidText::error);
    std::string left;
    std::string right;
    for (int pair = 0; pair < 77; ++pair)
      REQUIRE(reader.next(left, right));
    const auto position = reader.position();
    CHECK(position.line == 77);
    dragoman::ParallelReader other(config, InvalidText::error);
    other.seek(position);
    for (std::size_t pair = 77; pair < 200; ++pair) {
      REQUIRE(other.next(left, right));
      CHECK(left == source[pair]);
      CHECK(right == target[pair]);
    }
    CHECK_FALSE(other.next(left, right));
  }
}
