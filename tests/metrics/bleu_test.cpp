#include "dragoman/data/metrics/bleu.h"

#include <cmath>
#include <stdexcept>

#include "tests/metrics/near.h"
#include "tests/support/catch.h"

using dragoman::bleu_from_statistics;
using dragoman::bleu_statistics;
using dragoman::BleuOptions;
using dragoman::BleuSmoothing;
using dragoman::BleuTokenizer;
using dragoman::corpus_bleu;
using dragoman::sentence_bleu;
using dragoman_test::near;

namespace {

using Lines = std::vector<std::string>;
using Sets = std::vector<Lines>;

}  // namespace

TEST_CASE("a repeated word counts only as often as the reference has it") {
  const auto score = sentence_bleu("the the the the the the the", Lines{"the cat is on the mat"});
  CHECK(score.counts == std::vector<std::int64_t>{2, 0, 0, 0});
  CHECK(score.totals == std::vector<std::int64_t>{7, 6, 5, 4});
  CHECK(score.hypothesis_length == 7);
  CHECK(score.reference_length == 6);
  CHECK(score.brevity_penalty == 1.0);
  // Each order without a match counts half as much as the one before: 1/2, 1/4, 1/8.
  const double product = (2.0 / 7) * (0.5 / 6) * (0.25 / 5) * (0.125 / 4);
  CHECK(score.score == near(100 * std::pow(product, 0.25)));
}

TEST_CASE("smoothing decides what an order without a match counts") {
  const Lines reference{"a b c d e"};
  const auto with = [&](BleuSmoothing smoothing, std::optional<double> value = {}) {
    return sentence_bleu("a b x d e", reference, {.smoothing = smoothing, .smoothing_value = value})
        .score;
  };
  // Matches 4/5, 2/4, 0/3, 0/2.
  CHECK(with(BleuSmoothing::none) == 0.0);
  CHECK(with(BleuSmoothing::exp) == near(100 * std::pow(0.8 * 0.5 * (0.5 / 3) * (0.25 / 2), 0.25)));
  CHECK(with(BleuSmoothing::floor) ==
        near(100 * std::pow(0.8 * 0.5 * (0.1 / 3) * (0.1 / 2), 0.25)));
  CHECK(with(BleuSmoothing::floor, 0.5) ==
        near(100 * std::pow(0.8 * 0.5 * (0.5 / 3) * (0.5 / 2), 0.25)));
  CHECK(with(BleuSmoothing::add_k) ==
        near(100 * std::pow(0.8 * (3.0 / 5) * (1.0 / 4) * (1.0 / 3), 0.25)));
}

TEST_CASE("a short output pays the brevity penalty") {
  const auto score = sentence_bleu("a b c d", Lines{"a b c d e f g h"});
  CHECK(score.brevity_penalty == near(std::exp(-1.0)));
  CHECK(score.score == near(100 * std::exp(-1.0)));
  CHECK(score.ratio() == 0.5);
}

TEST_CASE("of several references the closest length counts, and of two as close the shorter") {
  const auto score = sentence_bleu("a b c d", Lines{"a b c d e", "x y z", "a b c d e f g"});
  CHECK(score.reference_length == 3);
  CHECK(score.counts == std::vector<std::int64_t>{4, 3, 2, 1});
  CHECK(score.score == near(100));
}

TEST_CASE("without a match, and for empty texts, BLEU is 0") {
  CHECK(sentence_bleu("x y z", Lines{"a b c"}).score == 0.0);
  CHECK(sentence_bleu("", Lines{"a b c"}).score == 0.0);
  CHECK(sentence_bleu("", Lines{"a b c"}).brevity_penalty == 0.0);
  CHECK(sentence_bleu("a", Lines{""}).score == 0.0);
  CHECK(sentence_bleu("", Lines{""}).score == 0.0);
  CHECK(corpus_bleu({}, Sets{{}}).score == 0.0);
}

TEST_CASE("effective order lets a short sentence score") {
  CHECK(sentence_bleu("a b", Lines{"a b"}).score == 0.0);
  CHECK(sentence_bleu("a b", Lines{"a b"}, {.effective_order = true}).score == near(100));
}

TEST_CASE("the statistics of sentences add up to the corpus score") {
  const Lines hypotheses{"a b c d e", "the cat sat", "", "x y z a b c"};
  const Sets references{{"a b c d f", "the cat sat down", "a", "x y z b c a"}};
  const auto statistics = bleu_statistics(hypotheses, references);
  REQUIRE(statistics.sentences() == 4);
  REQUIRE(statistics.width == 10);
  CHECK(statistics.row(1)[0] == 3);
  CHECK(statistics.row(1)[1] == 4);
  std::vector<double> sum(10, 0.0);
  for (std::int64_t sentence = 0; sentence < 4; ++sentence) {
    for (std::size_t column = 0; column < sum.size(); ++column)
      sum[column] += statistics.row(sentence)[column];
  }
  CHECK(sum == statistics.sum());
  CHECK(bleu_from_statistics(sum).score == corpus_bleu(hypotheses, references).score);
}

TEST_CASE("the details of a BLEU score read as sacreBLEU's") {
  const auto score = sentence_bleu("a b c d", Lines{"a b c d e f g h"});
  CHECK(score.details() ==
        "100.0/100.0/100.0/100.0 (BP = 0.368 ratio = 0.500 hyp_len = 4 ref_len = 8)");
}

TEST_CASE("the signature tells every option of BLEU") {
  const std::string version = "|version:dragoman-" DRAGOMAN_VERSION;
  CHECK(dragoman::bleu_signature({}, 1) ==
        "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp" + version);
  const BleuOptions options{.tokenizer = BleuTokenizer::character,
                            .lowercase = true,
                            .smoothing = BleuSmoothing::add_k,
                            .effective_order = true};
  CHECK(dragoman::bleu_signature(options, 2, {.bootstrap_samples = 1000, .seed = 12345}) ==
        "nrefs:2|bs:1000|seed:12345|case:lc|eff:yes|tok:char|smooth:add-k[1.00]" + version);
  CHECK(dragoman::bleu_signature(options, 2, {.randomization_trials = 10000, .seed = 7}) ==
        "nrefs:2|ar:10000|seed:7|case:lc|eff:yes|tok:char|smooth:add-k[1.00]" + version);
}

TEST_CASE("a metric refuses references of another length") {
  CHECK_THROWS_AS(corpus_bleu(Lines{"a", "b"}, Sets{{"a"}}), std::invalid_argument);
  CHECK_THROWS_AS(corpus_bleu(Lines{"a"}, Sets{}), std::invalid_argument);
  CHECK_THROWS_AS(bleu_from_statistics(std::vector<double>(9)), std::invalid_argument);
}

TEST_CASE("text that looks tokenised is noticed from 100 lines on") {
  Lines lines(99, "a b .");
  CHECK_FALSE(dragoman::looks_tokenized(lines));
  lines.emplace_back("c.");
  CHECK_FALSE(dragoman::looks_tokenized(lines));
  lines.emplace_back("c .");
  CHECK(dragoman::looks_tokenized(lines));
}
