#include "dragoman/data/corpus_sample.h"

#include <string>

#include "dragoman/data/error.h"
#include "tests/data/texts.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using Catch::Contains;
using dragoman::CorpusConfig;
using dragoman::InvalidText;
using dragoman::Side;
using dragoman_test::TemporaryFolder;
using dragoman_test::Texts;

namespace {

Texts sample(const std::vector<CorpusConfig>& corpora, Side side, std::int64_t limit = 1000) {
  return dragoman::sample_lines(corpora, side, limit, 1, InvalidText::error);
}

}  // namespace

TEST_CASE("a sample has the lines of one side of all corpora in order, empty ones left out",
          "[corpus_sample]") {
  const TemporaryFolder folder;
  const std::vector<CorpusConfig> corpora = {
      {.source = folder.write("a.s", "one\n\ntwo\n"), .target = folder.write("a.t", "1\n\n2\n")},
      {.source = folder.write("b.tsv", "three\t3\n")},
      {.source = folder.write("c.s", "no\n"), .target = folder.write("c.t", "-\n"), .weight = 0.0}};
  CHECK(sample(corpora, Side::source) == Texts{"one", "two", "three"});
  CHECK(sample(corpora, Side::target) == Texts{"1", "2", "3"});
}

TEST_CASE("a sample of a large corpus is as large as asked for, without a line twice",
          "[corpus_sample]") {
  const TemporaryFolder folder;
  const Texts lines = dragoman_test::made_up_lines(2000, 3);
  const auto file = folder.write("s", dragoman_test::join(lines));
  const Texts taken = sample({{.source = file, .target = file}}, Side::source, 500);
  REQUIRE(taken.size() == 500);
  CHECK(std::is_sorted(taken.begin(), taken.end(), [](const auto& left, const auto& right) {
    return std::stoi(left) < std::stoi(right);  // lines begin with their numbers
  }));
  CHECK(std::adjacent_find(taken.begin(), taken.end()) == taken.end());
  CHECK(std::stoi(taken[250]) > 700);
  CHECK(std::stoi(taken[250]) < 1300);
}

TEST_CASE("a corpus without text is named, with what was read of it", "[corpus_sample]") {
  const TemporaryFolder folder;
  const auto none = folder.write("none", "");
  const auto blank = folder.write("blank", "\n\n \n");
  const auto text = folder.write("text", "a\nb\nc\n");
  CHECK_THROWS_WITH(sample({{.source = none, .target = none}}, Side::source),
                    none + ": has no lines. Give a corpus with text.");
  CHECK_THROWS_WITH(sample({{.source = text, .target = blank}}, Side::target),
                    blank +
                        ": there is no text to train a tokeniser on: of 3 lines 2 are empty "
                        "and 1 hold only blanks. Give a corpus with text.");
  CHECK(sample({{.source = text, .target = blank}}, Side::source).size() == 3);
  CHECK_THROWS_WITH(
      sample({{.source = blank, .target = text}, {.source = none, .target = none}}, Side::source),
      Contains(blank + ", " + none + ": there is no text"));
}
