#include "dragoman/inference/search/hypotheses.h"

#include <cmath>
#include <limits>

#include "dragoman/inference/search/beam_step.h"
#include "tests/support/catch.h"

namespace {

using dragoman::Candidates;
using dragoman::choose_extensions;
using dragoman::DecodingOptions;
using dragoman::FinishedHypotheses;
using dragoman::IdHypothesis;
using dragoman::LengthNormalization;
using dragoman::normalized_score;

IdHypothesis hypothesis(std::int64_t id, double log_probability, std::size_t length,
                        const DecodingOptions& options) {
  IdHypothesis made;
  made.ids = {id};
  made.token_scores.resize(length);
  set_score(made, log_probability, options);
  return made;
}

}  // namespace

TEST_CASE("each length normalisation is its formula", "[hypotheses]") {
  CHECK(normalized_score(-6.0, 4, {.length_normalization = LengthNormalization::none}) == -6.0);
  CHECK(normalized_score(-6.0, 4, {.length_normalization = LengthNormalization::average}) == -1.5);
  CHECK(normalized_score(
            -6.0, 4, {.length_normalization = LengthNormalization::power, .length_alpha = 0.5}) ==
        Approx(-3.0));
  // ((5 + 7) / 6)^2 = 4
  CHECK(normalized_score(
            -6.0, 7, {.length_normalization = LengthNormalization::gnmt, .length_alpha = 2.0}) ==
        Approx(-1.5));
  CHECK(normalized_score(
            -6.0, 7, {.length_normalization = LengthNormalization::gnmt, .length_alpha = 0.0}) ==
        -6.0);
  CHECK(normalized_score(
            -6.0, 3, {.length_normalization = LengthNormalization::average, .length_offset = 1}) ==
        -1.5);
}

TEST_CASE("finished hypotheses come best first, at most as many as the beam", "[hypotheses]") {
  const DecodingOptions options{.length_normalization = LengthNormalization::none};
  FinishedHypotheses finished(options, 3);
  CHECK(finished.empty());
  for (const auto& [id, score] : {std::pair{1, -3.0}, {2, -1.0}, {3, -4.0}, {4, -1.0}, {5, -2.0}})
    finished.add(hypothesis(id, score, 2, options));
  const auto best = finished.take(3);
  REQUIRE(best.size() == 3);
  CHECK(best[0].ids[0] == 2);  // found before the equal one
  CHECK(best[1].ids[0] == 4);
  CHECK(best[2].ids[0] == 5);
}

TEST_CASE("a score is what is left after penalties, and the log-probability stays",
          "[hypotheses]") {
  IdHypothesis made;
  made.token_scores = {-1.0f, -2.0f};
  set_score(made, -4.0, {.length_normalization = LengthNormalization::average});
  CHECK(made.log_probability == -3.0);
  CHECK(made.penalty == 1.0);
  CHECK(made.score == -2.0);
}

TEST_CASE("with best_ended a sentence is done when the best of a step has ended", "[hypotheses]") {
  const DecodingOptions options{.n_best = 2, .early_stopping = dragoman::EarlyStopping::best_ended};
  FinishedHypotheses finished(options, 4);
  finished.add(hypothesis(1, -2.0, 2, options));
  CHECK_FALSE(finished.is_done({.total = -9.0, .length = 3, .longest = 9, .best_has_ended = true}));
  finished.add(hypothesis(2, -3.0, 2, options));
  CHECK(finished.is_done({.total = -0.1, .length = 3, .longest = 9, .best_has_ended = true}));
  CHECK_FALSE(finished.is_done({.total = -9.0, .length = 3, .longest = 9}));
}

TEST_CASE("what has ended may take places from what goes on", "[hypotheses]") {
  using dragoman::Extension;
  dragoman::StepChoice choice{.ended = {Extension{.total = -2.0, .rank = -2.0}},
                              .continued = {Extension{.token = 5, .total = -1.0, .rank = -1.0},
                                            Extension{.token = 6, .total = -3.0, .rank = -3.0}}};
  CHECK_FALSE(choice.best_has_ended());
  choice.keep_best(2);
  REQUIRE(choice.continued.size() == 1);
  CHECK(choice.continued[0].token == 5);
  choice.continued[0].rank = -2.5;
  CHECK(choice.best_has_ended());
  choice.keep_best(1);
  CHECK(choice.continued.empty());
  CHECK(choice.best_has_ended());
}

TEST_CASE("a sentence is done when the beam is full of hypotheses that no live one beats",
          "[hypotheses]") {
  DecodingOptions options{.length_normalization = LengthNormalization::average};
  const auto with_two = [&] {
    FinishedHypotheses finished(options, 2);
    finished.add(hypothesis(1, -2.0, 2, options));
    CHECK_FALSE(finished.is_done({-100.0, 3, 10}));
    finished.add(hypothesis(2, -4.0, 2, options));  // score -2
    return finished;
  };
  CHECK_FALSE(with_two().is_done({-5.7, 3, 10}));
  CHECK(with_two().is_done({-6.0, 3, 10}));
  CHECK(with_two().is_done({-6.3, 3, 10}));
  options.early_stopping = dragoman::EarlyStopping::exact;
  CHECK_FALSE(with_two().is_done({-6.3, 3, 10}));
  CHECK(with_two().is_done({-20.0, 3, 10}));
  options.early_stopping = dragoman::EarlyStopping::first;
  CHECK(with_two().is_done({-0.1, 3, 10}));
  options.early_stopping = dragoman::EarlyStopping::never;
  CHECK_FALSE(with_two().is_done({-100.0, 3, 10}));
  options.early_stopping = dragoman::EarlyStopping::first;
  options.patience = 1.5;
  CHECK_FALSE(with_two().is_done({-0.1, 3, 10}));
}

TEST_CASE("extensions are ranked over all hypotheses of a sentence", "[beam_step]") {
  // Row 0 belongs to another sentence. End is 3.
  const Candidates candidates{.count = 3,
                              .ids = {9, 9, 9, 3, 4, 5, 6, 3, 7},
                              .log_probs = {0, 0, 0, -0.5f, -1.0f, -2.0f, -0.25f, -1.25f, -4.0f}};
  const std::vector<double> totals = {-1.0, -2.0};
  const auto choice = choose_extensions(totals, candidates, 1, 2, 3);
  // Ranking: beam 0 end -1.5, beam 0 word 4 -2.0, beam 1 word 6 -2.25, ...
  REQUIRE(choice.ended.size() == 1);
  CHECK(choice.ended[0].beam == 0);
  CHECK(choice.ended[0].total == -1.5);
  REQUIRE(choice.continued.size() == 2);
  CHECK(choice.continued[0].token == 4);
  CHECK(choice.continued[0].total == -2.0);
  CHECK(choice.continued[1].token == 6);
  CHECK(choice.continued[1].beam == 1);
  CHECK(choice.continued[1].log_prob == -0.25f);
}

TEST_CASE("an end outside the best beam_size extensions ends nothing", "[beam_step]") {
  const Candidates candidates{.count = 3, .ids = {4, 5, 3}, .log_probs = {-1.0f, -1.5f, -2.0f}};
  const std::vector<double> totals = {0.0};
  CHECK(choose_extensions(totals, candidates, 0, 2, 3).ended.empty());
  CHECK(choose_extensions(totals, candidates, 0, 3, 3).ended.size() == 1);
}

TEST_CASE("of equal extensions the earlier hypothesis and the smaller id win", "[beam_step]") {
  const Candidates candidates{
      .count = 2, .ids = {8, 9, 4, 5}, .log_probs = {-1.0f, -1.0f, -1.0f, -1.0f}};
  const std::vector<double> totals = {-1.0, -1.0};
  const auto choice = choose_extensions(totals, candidates, 0, 3, 3);
  REQUIRE(choice.continued.size() == 3);
  CHECK(choice.continued[0].token == 8);
  CHECK(choice.continued[1].token == 9);
  CHECK(choice.continued[2].token == 4);
}

TEST_CASE("handicaps and taken tokens count in ranks, not in totals", "[beam_step]") {
  const Candidates candidates{
      .count = 2, .ids = {4, 5, 4, 5}, .log_probs = {-1.0f, -1.5f, -1.0f, -1.5f}};
  const std::vector<double> totals = {-1.0, -1.2};
  const std::vector<double> handicaps = {0.5, 0.0};
  const std::vector<std::int64_t> taken = {4, 4};
  const auto choice = choose_extensions(totals, candidates, 0, 4, 3,
                                        {.taken = taken, .handicaps = handicaps, .diversity = 0.4});
  // Ranks: -3.0 and -2.7 for word 5; -3.3 and -3.0 for word 4, which loses 0.8.
  REQUIRE(choice.continued.size() == 4);
  CHECK(choice.continued[0].token == 5);
  CHECK(choice.continued[0].beam == 1);
  CHECK(choice.continued[0].total == Approx(-2.7));
  CHECK(choice.continued[3].token == 4);
  CHECK(choice.continued[3].beam == 0);
  CHECK(choice.continued[3].total == Approx(-2.0));
  CHECK(choice.continued[3].rank == Approx(-3.3));
}

TEST_CASE("a penalty on repetition multiplies what a said token adds", "[beam_step]") {
  const Candidates candidates{.count = 2, .ids = {4, 5}, .log_probs = {-1.0f, -1.5f}};
  const std::vector<double> totals = {-1.0};
  const std::vector<std::vector<std::int64_t>> said = {{4, 9}};
  const auto choice =
      choose_extensions(totals, candidates, 0, 2, 3, {.said = said, .repetition = 2.0});
  REQUIRE(choice.continued.size() == 2);
  CHECK(choice.continued[0].token == 5);
  CHECK(choice.continued[1].total == -3.0);
  CHECK(choice.continued[1].log_prob == -1.0f);
}

TEST_CASE("unused places and improbable words extend nothing", "[beam_step]") {
  const double none = -std::numeric_limits<double>::infinity();
  const auto minus = -std::numeric_limits<float>::infinity();
  const Candidates candidates{.count = 2,
                              .ids = {4, 5, 6, 7, 8, -1},
                              .log_probs = {-1.0f, -2.0f, -1.0f, minus, NAN, minus}};
  const std::vector<double> totals = {none, -3.0, -3.0};
  const auto choice = choose_extensions(totals, candidates, 0, 3, 3);
  REQUIRE(choice.continued.size() == 1);
  CHECK(choice.continued[0].token == 6);
}
