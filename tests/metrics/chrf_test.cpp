#include "dragoman/data/metrics/chrf.h"

#include <stdexcept>

#include "tests/metrics/near.h"
#include "tests/support/catch.h"

using dragoman::chrf_from_statistics;
using dragoman::chrf_statistics;
using dragoman::corpus_chrf;
using dragoman::sentence_chrf;
using dragoman_test::near;

namespace {

using Lines = std::vector<std::string>;
using Sets = std::vector<Lines>;

}  // namespace

TEST_CASE("chrF is the F-score of mean precision and mean recall over the orders") {
  // "ab" against "abc": unigrams 2 of 2 and 2 of 3, bigrams 1 of 1 and 1 of 2; no longer ones.
  const double recall = (2.0 / 3 + 1.0 / 2) / 2;
  CHECK(sentence_chrf("ab", Lines{"abc"}).score == near(100 * 5 * recall / (4 + recall)));
  CHECK(sentence_chrf("ab", Lines{"abc"}, {.beta = 1}).score ==
        near(100 * 2 * recall / (1 + recall)));
}

TEST_CASE("chrF++ counts words too, with one mark of punctuation split off") {
  // Words "hi" "!" against "hi" "?": 1 of 2 unigrams, 0 of 1 bigrams.
  CHECK(sentence_chrf("hi!", Lines{"hi?"}, {.char_order = 0, .word_order = 2}).score == near(25));
  // At the end, or else at the start: "(hi" ")" and "(" "hi".
  const dragoman::ChrfOptions words{.char_order = 0, .word_order = 1};
  CHECK(sentence_chrf("(hi)", Lines{"(hi) x"}, words).score ==
        near(100 * 5 * (2.0 / 3) / (4 + 2.0 / 3)));
  CHECK(sentence_chrf("(hi", Lines{"( hi"}, words).score == near(100));
}

TEST_CASE("chrF leaves out white space unless told to count it") {
  CHECK(sentence_chrf("a b c", Lines{"abc"}).score == near(100));
  CHECK(sentence_chrf("a\u3000b\u00a0c", Lines{"abc"}).score == near(100));
  CHECK(sentence_chrf("a b c", Lines{"abc"}, {.whitespace = true}).score < 60);
}

TEST_CASE("chrF takes the best reference and is case-sensitive unless told otherwise") {
  CHECK(sentence_chrf("abc", Lines{"xyz", "abc"}).score == near(100));
  CHECK(sentence_chrf("ABC", Lines{"abc"}).score == 0.0);
  CHECK(sentence_chrf("ABC", Lines{"abc"}, {.lowercase = true}).score == near(100));
}

TEST_CASE("chrF of empty texts is 0") {
  CHECK(sentence_chrf("", Lines{"abc"}).score == 0.0);
  CHECK(sentence_chrf("abc", Lines{""}).score == 0.0);
  CHECK(sentence_chrf("", Lines{""}).score == 0.0);
}

TEST_CASE("the statistics of sentences add up to the corpus chrF") {
  const Lines hypotheses{"der Hund", "", "eine Katze schläft"};
  const Sets references{{"der Hund bellt", "x", "die Katze schlief"}};
  const auto statistics = chrf_statistics(hypotheses, references, {.word_order = 2});
  REQUIRE(statistics.width == 24);
  REQUIRE(statistics.sentences() == 3);
  CHECK(chrf_from_statistics(statistics.sum(), {.word_order = 2}).score ==
        corpus_chrf(hypotheses, references, {.word_order = 2}).score);
  CHECK_THROWS_AS(chrf_from_statistics(statistics.sum()), std::invalid_argument);
}

TEST_CASE("the name and the signature tell every option of chrF") {
  const std::string version = "|version:dragoman-" DRAGOMAN_VERSION;
  CHECK(dragoman::chrf_name({}) == "chrF2");
  CHECK(dragoman::chrf_name({.word_order = 2, .beta = 3}) == "chrF3++");
  CHECK(dragoman::chrf_signature({}, 1) ==
        "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no" + version);
  CHECK(dragoman::chrf_signature(
            {.word_order = 2, .lowercase = true, .whitespace = true, .epsilon_smoothing = true},
            3) == "nrefs:3|case:lc|eff:no|nc:6|nw:2|space:yes" + version);
}
