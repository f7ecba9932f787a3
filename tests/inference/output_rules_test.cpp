// Repetition penalty, suppressed sequences, groups of hypotheses, and when a search stops.
#include "dragoman/inference/search/output_rules.h"

#include <cmath>
#include <set>

#include "dragoman/inference/search/beam_search.h"
#include "tests/inference/exhaustive_search.h"
#include "tests/support/catch.h"

using dragoman::DecodingOptions;
using dragoman::EarlyStopping;
using dragoman::IdHypothesis;
using dragoman::SearchDemands;
using dragoman_test::batch_of;
using dragoman_test::exhaustive_search;
using dragoman_test::FakeModel;
using dragoman_test::holds;
using dragoman_test::random_rule;
using dragoman_test::Tokens;

namespace {

double penalized(const Tokens& said, std::int64_t token, double log_prob, double penalty) {
  return std::ranges::find(said, token) == said.end() ? log_prob : penalty * log_prob;
}

std::set<Tokens> outputs(const std::vector<IdHypothesis>& hypotheses) {
  std::set<Tokens> found;
  for (const IdHypothesis& hypothesis : hypotheses)
    found.insert(hypothesis.ids);
  return found;
}

}  // namespace

TEST_CASE("repetition_penalty multiplies the log-probabilities of tokens said before",
          "[output_rules]") {
  const auto rule = random_rule(6);
  const FakeModel model(6, rule);
  DecodingOptions options = dragoman_test::wide_beam();
  options.repetition_penalty = 1.7;
  const auto expected = exhaustive_search(
      rule, {4, 5, 3}, {1, 4, 5}, options, [](const Tokens&) { return true; },
      [](const Tokens& said, std::int64_t token, double log_prob) {
        return penalized(said, token, log_prob, 1.7);
      });
  const auto found = beam_search(model, batch_of({{4, 5, 3}}), {}, options)[0];
  REQUIRE(found.size() == expected.size());
  for (std::size_t rank = 0; rank < found.size(); ++rank) {
    CHECK(found[rank].ids == expected[rank].ids);
    CHECK(found[rank].score == Approx(expected[rank].score).epsilon(1e-6));
    CHECK(found[rank].token_scores == expected[rank].token_scores);  // the model's own
    CHECK(found[rank].penalty == Approx(expected[rank].penalty).margin(1e-6));
  }
}

TEST_CASE("a narrow search with repetition_penalty is one over whole penalised rows",
          "[output_rules]") {
  const auto rule = random_rule(30);
  const FakeModel model(30, rule);
  const FakeModel whole_rows(30, [&](const Tokens& source, const Tokens& prefix) {
    std::vector<double> probabilities = rule(source, prefix);
    for (std::int64_t token = 0; token < 30; ++token)
      if (std::find(prefix.begin() + 1, prefix.end(), token) != prefix.end())
        probabilities[token] = std::pow(probabilities[token], 3.0);
    return probabilities;
  });
  for (std::int64_t trial = 0; trial < 10; ++trial) {
    const auto batch = batch_of({{4 + trial, 5, 3}});
    DecodingOptions options{.beam_size = 3, .n_best = 3, .min_length = 8, .max_length = 12};
    const auto expected = beam_search(whole_rows, batch, {}, options)[0];
    options.repetition_penalty = 3.0;
    const auto found = beam_search(model, batch, {}, options)[0];
    REQUIRE(found.size() == expected.size());
    for (std::size_t rank = 0; rank < found.size(); ++rank) {
      CHECK(found[rank].ids == expected[rank].ids);
      CHECK(found[rank].score == Approx(expected[rank].score).epsilon(1e-5));
    }
  }
}

TEST_CASE("suppressed tokens and sequences are never said", "[output_rules]") {
  const auto rule = random_rule(6);
  const FakeModel model(6, rule);
  const DecodingOptions options = dragoman_test::wide_beam();
  const auto expected =
      exhaustive_search(rule, {4, 3}, {1, 4, 5}, options, [](const Tokens& output) {
        return !holds(output, {1}) && !holds(output, {4, 4}) && !holds(output, {5, 4, 5});
      });
  const auto found =
      beam_search(model, batch_of({{4, 3}}), {}, options, {{{1}, {4, 4}, {5, 4, 5}}, {}, {}})[0];
  CHECK(found.size() == expected.size());
  CHECK(outputs(found) == outputs(expected));
}

TEST_CASE("groups without penalty find what a smaller beam finds, once", "[beam_groups]") {
  const FakeModel model(12, random_rule(12));
  DecodingOptions options{.beam_size = 6, .n_best = 6, .max_length = 9};
  options.beam_groups = 3;
  options.diversity_penalty = 0.0;
  const auto found = beam_search(model, batch_of({{4, 6, 3}, {5, 3}}), {}, options);
  const auto small = beam_search(model, batch_of({{4, 6, 3}, {5, 3}}), {},
                                 {.beam_size = 2, .n_best = 2, .max_length = 9});
  for (std::size_t sentence = 0; sentence < 2; ++sentence)
    CHECK(outputs(found[sentence]) == outputs(small[sentence]));
}

TEST_CASE("a later group avoids what earlier groups say in the same step", "[beam_groups]") {
  // First token: 4 (0.5), 5 (0.3), 6 (0.2); then the end.
  const FakeModel model(7, [](const Tokens&, const Tokens& prefix) {
    return prefix.size() == 1 ? std::vector<double>{0, 0, 0, 0, 0.5, 0.3, 0.2}
                              : std::vector<double>{0, 0, 0, 1.0, 0, 0, 0};
  });
  DecodingOptions options{
      .beam_size = 3, .n_best = 3, .length_normalization = dragoman::LengthNormalization::none};
  options.beam_groups = 3;
  const auto search = [&](double penalty) {
    options.diversity_penalty = penalty;
    return outputs(beam_search(model, batch_of({{4, 3}}), {}, options)[0]);
  };
  CHECK(search(0.1) == std::set<Tokens>{{4}});
  // log 0.5 - 0.6 < log 0.3, and log 0.5 - 0.6 > log 0.2: the third group says 4 again.
  CHECK(search(0.6) == std::set<Tokens>{{4}, {5}});
  CHECK(search(1.0) == std::set<Tokens>{{4}, {5}, {6}});
  // Scores stay the model's.
  const auto found = beam_search(model, batch_of({{4, 3}}), {}, options)[0];
  REQUIRE(found.size() == 3);
  CHECK(found[0].ids == Tokens{4});
  CHECK(found[1].score == Approx(std::log(0.3)));
  CHECK(found[2].score == Approx(std::log(0.2)));
}

TEST_CASE("each way of stopping stops where it says", "[early_stopping]") {
  // Two outputs end early; a long one ends with certainty and wins on average.
  const FakeModel model(6, [](const Tokens&, const Tokens& prefix) {
    if (prefix.size() == 1) return std::vector<double>{0, 0, 0, 0.35, 0.35, 0.3};
    if (prefix.back() == 4) return std::vector<double>{0, 0, 0, 0.9, 0, 0.1};
    return prefix.size() < 9 ? std::vector<double>{0, 0, 0, 0.01, 0, 0.99}
                             : std::vector<double>{0, 0, 0, 0.99, 0, 0.01};
  });
  DecodingOptions options{.beam_size = 2,
                          .length_normalization = dragoman::LengthNormalization::average,
                          .max_length = 20};
  std::vector<double> scores;
  std::vector<std::int64_t> steps;
  for (const EarlyStopping mode : {EarlyStopping::first, EarlyStopping::heuristic,
                                   EarlyStopping::exact, EarlyStopping::never}) {
    options.early_stopping = mode;
    const std::int64_t before = model.steps;
    scores.push_back(beam_search(model, batch_of({{4, 4, 4, 3}}), {}, options)[0][0].score);
    steps.push_back(model.steps - before);
  }
  // After 9 steps the long one has ended and what lives on is hopeless; after 10 it can be shown to
  // be. A source of 3 tokens allows 19.
  CHECK(steps == std::vector<std::int64_t>{2, 9, 10, 20});
  CHECK(scores[0] < scores[1]);
  CHECK(scores[1] == scores[2]);
  CHECK(scores[2] == scores[3]);  // going on changes nothing
  options.early_stopping = EarlyStopping::first;
  options.patience = 2.0;
  const std::int64_t before = model.steps;
  const double patient = beam_search(model, batch_of({{4, 4, 4, 3}}), {}, options)[0][0].score;
  CHECK(model.steps - before > steps[0]);
  CHECK(patient >= scores[0]);
}

TEST_CASE("a search that may stop loops stops in one", "[output_rules]") {
  const FakeModel model(7, [](const Tokens&, const Tokens& prefix) {
    return prefix.size() % 2 == 0 ? std::vector<double>{0, 0, 0, 0.01, 0, 0.98, 0.01}
                                  : std::vector<double>{0, 0, 0, 0.01, 0.98, 0, 0.01};
  });
  DecodingOptions options{.beam_size = 1, .max_length = 100, .max_length_ratio = 100.0};
  options.loop_repeats = 4;
  CHECK(beam_search(model, batch_of({{4, 3}}), {}, options)[0][0].ids.size() == 100);
  options.stop_loops = true;
  const auto found = beam_search(model, batch_of({{4, 3}}), {}, options)[0][0];
  CHECK(found.ids == Tokens{4, 5, 4, 5, 4, 5, 4, 5});
  CHECK_FALSE(found.ended);
}
