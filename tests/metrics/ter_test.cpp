#include "dragoman/data/metrics/ter.h"

#include "dragoman/data/metrics/edit_rate.h"
#include "tests/support/catch.h"

using dragoman::corpus_ter;
using dragoman::sentence_ter;
using dragoman::translation_edits;

namespace {

using Lines = std::vector<std::string>;
using Sets = std::vector<Lines>;
using Words = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("an insertion, a deletion, a substitution and a shift are one edit each") {
  const Words reference{1, 2, 3, 4, 5, 6};
  CHECK(translation_edits(reference, reference) == 0);
  CHECK(translation_edits(Words{1, 2, 3, 9, 4, 5, 6}, reference) == 1);
  CHECK(translation_edits(Words{1, 2, 4, 5, 6}, reference) == 1);
  CHECK(translation_edits(Words{1, 2, 9, 4, 5, 6}, reference) == 1);
  CHECK(translation_edits(Words{4, 5, 6, 1, 2, 3}, reference) == 1);
  CHECK(translation_edits(Words{2, 3, 4, 5, 6, 1}, reference) == 1);
  CHECK(translation_edits(Words{6, 1, 2, 3, 4, 5}, reference) == 1);
  CHECK(translation_edits(Words{4, 5, 6, 1, 9, 3}, reference) == 2);
}

TEST_CASE("edits of empty sentences are the words of the other") {
  CHECK(translation_edits(Words{}, Words{}) == 0);
  CHECK(translation_edits(Words{1, 2}, Words{}) == 2);
  CHECK(translation_edits(Words{}, Words{1, 2, 3}) == 3);
}

TEST_CASE("a reference far longer than the hypothesis is still reached") {
  Words reference(500, 7);
  reference[499] = 1;
  CHECK(translation_edits(Words{1}, reference) == 499);
  CHECK(translation_edits(reference, Words{1}) == 499);
}

TEST_CASE("a line of a hundred thousand words takes neither the memory nor the day") {
  Words reference;
  for (std::uint32_t word = 0; word < 100'000; ++word)
    reference.push_back(word);
  Words hypothesis = reference;
  hypothesis[50'000] = 1'000'000;
  CHECK(translation_edits(hypothesis, reference) == 1);
}

TEST_CASE("TER is edits per hundred words of the mean reference") {
  const auto score =
      corpus_ter(Lines{"a b c d", "x"}, Sets{{"b c d a", "x y"}, {"a b", "x y z w"}});
  CHECK(score.edits == 2);
  CHECK(score.reference_length == 6);
  CHECK(score.score == Approx(100.0 * 2 / 6));
}

TEST_CASE("TER without a reference is 0 for nothing and 100 for anything") {
  CHECK(sentence_ter("", Lines{""}).score == 0.0);
  CHECK(sentence_ter("a b", Lines{""}).score == 100.0);
  CHECK(sentence_ter("", Lines{"a b"}).score == 100.0);
}

TEST_CASE("the options of TER decide what is one word") {
  CHECK(sentence_ter("A cat.", Lines{"a CAT."}).score == 0.0);
  CHECK(sentence_ter("A cat.", Lines{"a cat."}, {.case_sensitive = true}).edits == 1);
  CHECK(sentence_ter("a cat.", Lines{"a cat ."}).edits == 2);
  CHECK(sentence_ter("a cat.", Lines{"a cat ."}, {.normalized = true}).edits == 0);
  CHECK(sentence_ter("&quot;a&quot;", Lines{"\" a \""}, {.normalized = true}).edits == 0);
  CHECK(sentence_ter("a, cat!", Lines{"a cat"}, {.no_punctuation = true}).edits == 0);
  CHECK(sentence_ter("你好。", Lines{"你 好 。"}, {.normalized = true}).edits == 3);
  CHECK(sentence_ter("你好。", Lines{"你 好 。"}, {.normalized = true, .asian_support = true})
            .edits == 0);
}

TEST_CASE("the signature tells every option of TER") {
  const std::string version = "|version:dragoman-" DRAGOMAN_VERSION;
  CHECK(dragoman::ter_signature({}, 1) ==
        "nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no" + version);
  CHECK(dragoman::ter_signature({true, true, true, true}, 2) ==
        "nrefs:2|case:mixed|tok:tercom|norm:yes|punct:no|asian:yes" + version);
}
