// Fixed figures are rouge-score 0.1.2's; rouge_score_test.cpp compares with the package itself.
#include "dragoman/data/metrics/rouge.h"

#include <stdexcept>

#include "dragoman/data/metrics/significance.h"
#include "tests/metrics/near.h"
#include "tests/support/catch.h"

using dragoman::RougeOptions;
using dragoman::RougeUnit;
using dragoman::sentence_rouge;
using dragoman_test::near;

namespace {

using Lines = std::vector<std::string>;
using Sets = std::vector<Lines>;

constexpr RougeUnit kSubsequence = RougeUnit::subsequence;
constexpr RougeUnit kSentences = RougeUnit::sentences;

/// F of ROUGE-1, -2, -L and -Lsum.
std::vector<double> all_scores(const std::string& hypothesis, const Lines& references,
                               bool stemmer = false) {
  std::vector<double> scores;
  for (const RougeOptions& options :
       {RougeOptions{.order = 1, .stemmer = stemmer}, RougeOptions{.order = 2, .stemmer = stemmer},
        RougeOptions{.unit = kSubsequence, .stemmer = stemmer},
        RougeOptions{.unit = kSentences, .stemmer = stemmer}})
    scores.push_back(sentence_rouge(hypothesis, references, options).score);
  return scores;
}

void check_scores(const std::vector<double>& scores, const std::vector<double>& expected) {
  REQUIRE(scores.size() == expected.size());
  for (std::size_t kind = 0; kind < scores.size(); ++kind)
    CHECK(scores[kind] == near(100.0 * expected[kind]));
}

}  // namespace

TEST_CASE("ROUGE counts common n-grams and words in the same order") {
  const Lines fox{"The quick brown fox jumps over the lazy dog."};
  const std::string hypothesis = "The quick brown dog jumped on the lazy logs";
  check_scores(all_scores(hypothesis, fox), {2.0 / 3, 0.375, 5.0 / 9, 5.0 / 9});
  check_scores(all_scores(hypothesis, fox, true), {7.0 / 9, 0.375, 2.0 / 3, 2.0 / 3});
}

TEST_CASE("ROUGE tells precision and recall apart") {
  const auto score = sentence_rouge("b b a\na a b", Lines{"a b a b\nb a b a"}, {.order = 2});
  CHECK(score.precision == near(60));
  CHECK(score.recall == near(100 * 3.0 / 7));
  CHECK(score.score == near(50));
  CHECK(score.details() == "(P = 60.00 R = 42.86)");
}

TEST_CASE("ROUGE-Lsum unites subsequences over the sentences and counts no word twice") {
  check_scores(all_scores("w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", {"w1 w2 w3 w4 w5"}),
               {8.0 / 15, 2.0 / 13, 8.0 / 15, 8.0 / 15});
  check_scores(all_scores("b b a\na a b", {"a b a b\nb a b a"}), {6.0 / 7, 0.5, 4.0 / 7, 6.0 / 7});
}

TEST_CASE("ROUGE-Lsum splits sentences where it is told; the others see no words there") {
  const Lines reference{"a b a b<q>b a b a"};
  const std::string hypothesis = "b b a<q>a a b";
  const auto score = [&](RougeOptions options) {
    options.sentence_separator = "<q>";
    return sentence_rouge(hypothesis, reference, options).score;
  };
  CHECK(score({.unit = kSentences}) == near(100 * 6.0 / 7));
  CHECK(score({.unit = kSubsequence}) == near(100 * 4.0 / 7));
  CHECK(score({.order = 2}) == near(50));
  // Unsplit, "q" is a word.
  CHECK(sentence_rouge(hypothesis, reference, {.order = 1}).precision == near(100));
  CHECK(sentence_rouge(hypothesis, reference, {.order = 1}).recall == near(100 * 7.0 / 9));
}

TEST_CASE("ROUGE takes the reference with the highest F for each kind") {
  const Lines references{"the gunman kill police", "police killed the gunman"};
  check_scores(all_scores("police kill the gunman", references), {1.0, 1.0 / 3, 0.75, 0.75});
  check_scores(all_scores("police kill the gunman", references, true), {1.0, 1.0, 1.0, 1.0});
}

TEST_CASE("ROUGE's words are lower-cased letters a to z and digits") {
  using dragoman::rouge_words;
  CHECK(rouge_words("He doesn't own 1,000.50 euros") ==
        Lines{"he", "doesn", "t", "own", "1", "000", "50", "euros"});
  CHECK(rouge_words("für cafés naïve_x") == Lines{"f", "r", "caf", "s", "na", "ve", "x"});
  CHECK(rouge_words("\u212aelvin \u0130stanbul") == Lines{"kelvin", "i", "stanbul"});
  CHECK(rouge_words("你好 🎉 - ...").empty());
  CHECK(rouge_words("").empty());
  check_scores(all_scores("he does not own 1000.50 euro fur 3 cafes",
                          {"He doesn't own 1,000.50 euros für 3 cafés"}),
               {8.0 / 23, 0.0, 8.0 / 23, 8.0 / 23});
}

TEST_CASE("ROUGE of texts without words or n-grams is 0") {
  const std::vector<double> nothing{0.0, 0.0, 0.0, 0.0};
  check_scores(all_scores("a b", {""}), nothing);
  check_scores(all_scores("", {"a b"}), nothing);
  check_scores(all_scores("", {""}), nothing);
  check_scores(all_scores("你好", {"你好"}), nothing);
  check_scores(all_scores("\n\n", {"\n"}), nothing);
  check_scores(all_scores("a", {"a"}), {1.0, 0.0, 1.0, 1.0});
}

TEST_CASE("the ROUGE of a corpus is the mean over its sentences, and can be resampled") {
  const Lines hypotheses{"police kill the gunman", "a", ""};
  const Sets references{{"police killed the gunman", "a", "b"}};
  const auto statistics = dragoman::rouge_statistics(hypotheses, references, {.order = 1});
  REQUIRE(statistics.width == 4);
  REQUIRE(statistics.sentences() == 3);
  const auto corpus = dragoman::corpus_rouge(hypotheses, references, {.order = 1});
  CHECK(corpus.score == near(100 * 1.75 / 3));
  CHECK(dragoman::rouge_from_statistics(statistics.row(1)).score == near(100));
  const auto score = [](auto sums) { return dragoman::rouge_from_statistics(sums).score; };
  const auto interval = dragoman::bootstrap_confidence(statistics, score, {.samples = 500});
  CHECK(interval.mean == Approx(corpus.score).margin(5));
  CHECK(interval.half_width > 10);
  const auto better =
      dragoman::rouge_statistics(Lines{"police killed the gunman", "a", "b"}, references);
  CHECK(dragoman::paired_bootstrap(statistics, better, score).p_value < 0.5);
}

TEST_CASE("ROUGE refuses what has no meaning") {
  const Lines line{"a"};
  CHECK_THROWS_AS(sentence_rouge("a", line, {.order = 0}), std::invalid_argument);
  CHECK_THROWS_AS(sentence_rouge("a", line, {.order = 10}), std::invalid_argument);
  CHECK_THROWS_AS(sentence_rouge("a", line, {.sentence_separator = ""}), std::invalid_argument);
  CHECK_THROWS_AS(sentence_rouge("a", Lines{}), std::invalid_argument);
  CHECK_THROWS_AS(dragoman::rouge_from_statistics(std::vector<double>(3)), std::invalid_argument);
}

TEST_CASE("the name and the signature tell every option of ROUGE") {
  const std::string version = "|version:dragoman-" DRAGOMAN_VERSION;
  CHECK(dragoman::rouge_name({}) == "rouge1");
  CHECK(dragoman::rouge_name({.order = 4}) == "rouge4");
  CHECK(dragoman::rouge_name({.unit = kSubsequence}) == "rougeL");
  CHECK(dragoman::rouge_name({.unit = kSentences}) == "rougeLsum");
  CHECK(dragoman::rouge_signature({.stemmer = true}, 2) ==
        "nrefs:2|case:lc|tok:rouge-score-0.1.2|stem:porter" + version);
  CHECK(dragoman::rouge_signature({.unit = kSentences}, 1) ==
        "nrefs:1|case:lc|tok:rouge-score-0.1.2|stem:no|sents:newline" + version);
  CHECK(dragoman::rouge_signature({.unit = kSentences, .sentence_separator = "|"}, 1) ==
        "nrefs:1|case:lc|tok:rouge-score-0.1.2|stem:no|sents:marked" + version);
}
