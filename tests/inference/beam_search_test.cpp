#include "dragoman/inference/search/beam_search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "dragoman/data/error.h"
#include "tests/inference/fake_model.h"
#include "tests/support/catch.h"

namespace {

using dragoman::beam_search;
using dragoman::DecodingOptions;
using dragoman::IdHypothesis;
using dragoman::LengthNormalization;
using dragoman::TargetIds;
using dragoman_test::batch_of;
using dragoman_test::FakeModel;
using dragoman_test::random_rule;
using dragoman_test::Tokens;

constexpr std::int64_t kEnd = 3;
const std::vector<LengthNormalization> kNormalizations = {
    LengthNormalization::none, LengthNormalization::average, LengthNormalization::gnmt};

/// Every output of at most `max_length` tokens, best first.
std::vector<IdHypothesis> all_outputs(const FakeModel::Rule& rule, const Tokens& source,
                                      const std::set<std::int64_t>& words,
                                      const DecodingOptions& options) {
  std::vector<IdHypothesis> found;
  const std::function<void(Tokens, std::vector<float>)> visit = [&](Tokens prefix,
                                                                    std::vector<float> scores) {
    const std::vector<double> probabilities = rule(source, prefix);
    const auto length = static_cast<std::int64_t>(prefix.size()) - 1;
    if (length >= options.min_length) {
      IdHypothesis hypothesis;
      hypothesis.ids.assign(prefix.begin() + 1, prefix.end());
      hypothesis.token_scores = scores;
      hypothesis.token_scores.push_back(static_cast<float>(std::log(probabilities[kEnd])));
      for (const float score : hypothesis.token_scores)
        hypothesis.log_probability += score;
      hypothesis.score =
          dragoman::normalized_score(hypothesis.log_probability, length + 1, options);
      found.push_back(hypothesis);
    }
    if (length == options.max_length) return;
    for (const std::int64_t word : words) {
      Tokens longer = prefix;
      longer.push_back(word);
      std::vector<float> longer_scores = scores;
      longer_scores.push_back(static_cast<float>(std::log(probabilities[word])));
      visit(longer, longer_scores);
    }
  };
  visit({2}, {});
  std::ranges::stable_sort(found, std::greater<>(), &IdHypothesis::score);
  return found;
}

DecodingOptions wide(LengthNormalization normalization, std::int64_t max_length) {
  return {.beam_size = 400,  // 81 hypotheses of 4 tokens times 4 words
          .n_best = 400,
          .length_normalization = normalization,
          .length_alpha = 0.8,
          .max_length = max_length,
          .max_length_ratio = 1000.0,
          .allow_unknown = true};
}

/// Probabilities over <pad> <unk> <s> </s> a b c (ids 4, 5, 6), by the target so far.
FakeModel table_model(const std::map<Tokens, std::vector<double>>& table) {
  return {7, [table](const Tokens&, const Tokens& prefix) { return table.at(prefix); }};
}

}  // namespace

TEST_CASE("a beam as wide as all continuations finds what exhaustive search finds",
          "[beam_search]") {
  const auto rule = random_rule(6);
  const FakeModel model(6, rule);
  const std::vector<Tokens> sources = {{4, 5, 3}, {3}, {5, 5, 5, 4, 3}};
  for (const LengthNormalization normalization : kNormalizations) {
    for (const std::int64_t min_length : {0, 2}) {
      DecodingOptions options = wide(normalization, 4);
      options.min_length = min_length;
      const auto results = beam_search(model, batch_of(sources), {}, options);
      for (std::size_t sentence = 0; sentence < sources.size(); ++sentence) {
        const auto expected = all_outputs(rule, sources[sentence], {1, 4, 5}, options);
        REQUIRE(expected.size() == (min_length == 0 ? 121 : 117));
        REQUIRE(results[sentence].size() == expected.size());
        for (std::size_t rank = 0; rank < expected.size(); ++rank) {
          REQUIRE(results[sentence][rank].ids == expected[rank].ids);
          REQUIRE(results[sentence][rank].score == Approx(expected[rank].score).epsilon(1e-6));
          REQUIRE(results[sentence][rank].token_scores == expected[rank].token_scores);
          REQUIRE(results[sentence][rank].ended);
        }
      }
    }
  }
}

TEST_CASE("a beam of one follows the most probable word", "[beam_search]") {
  const auto rule = random_rule(9);
  const FakeModel model(9, rule);
  for (std::int64_t trial = 0; trial < 20; ++trial) {
    const Tokens source = {4 + trial % 5, 5 + trial / 5, 3};
    Tokens prefix = {2};
    while (true) {
      std::vector<double> probabilities = rule(source, prefix);
      for (const std::int64_t never : {0, 1, 2})
        probabilities[never] = 0.0;
      const auto best = std::ranges::max_element(probabilities) - probabilities.begin();
      if (best == kEnd || prefix.size() == 13) break;
      prefix.push_back(best);
    }
    for (const LengthNormalization normalization : kNormalizations) {
      const auto result =
          beam_search(model, batch_of({source}), {},
                      {.beam_size = 1, .length_normalization = normalization, .max_length = 12})[0];
      REQUIRE(result.size() == 1);
      REQUIRE(result[0].ids == Tokens(prefix.begin() + 1, prefix.end()));
    }
  }
}

TEST_CASE("a beam of two escapes the trap that greedy search falls into", "[beam_search]") {
  // Greedy takes a (0.6), then only bad continuations; b (0.4) ends with certainty.
  const std::map<Tokens, std::vector<double>> table = {
      {{2}, {0, 0, 0, 0, 0.6, 0.4, 0}},     {{2, 4}, {0, 0, 0, 0.3, 0.25, 0.25, 0.2}},
      {{2, 5}, {0, 0, 0, 1.0, 0, 0, 0}},    {{2, 4, 4}, {0, 0, 0, 1.0, 0, 0, 0}},
      {{2, 4, 5}, {0, 0, 0, 1.0, 0, 0, 0}},
  };
  const FakeModel model = table_model(table);
  const auto batch = batch_of({{4, 3}});
  DecodingOptions options{.beam_size = 1, .length_normalization = LengthNormalization::none};
  const auto greedy = beam_search(model, batch, {}, options)[0];
  CHECK(greedy[0].ids == Tokens{4});
  CHECK(greedy[0].log_probability == Approx(std::log(0.18)));
  options.beam_size = 2;
  options.n_best = 2;
  const auto beam = beam_search(model, batch, {}, options)[0];
  REQUIRE(beam.size() == 2);
  CHECK(beam[0].ids == Tokens{5});
  CHECK(beam[0].log_probability == Approx(std::log(0.4)));
  CHECK(beam[0].token_scores.size() == 2);
  CHECK(beam[0].token_scores[1] == 0.0f);
  CHECK(beam[1].ids == Tokens{4});
}

TEST_CASE("length normalisation lets a longer output win", "[beam_search]") {
  const std::map<Tokens, std::vector<double>> table = {
      {{2}, {0, 0, 0, 0.4, 0.6, 0, 0}},  // the empty output: log 0.4
      {{2, 4}, {0, 0, 0, 0.01, 0.99, 0, 0}},
      {{2, 4, 4}, {0, 0, 0, 0.4, 0, 0.6, 0}},  // a a: log 0.24, a a b c: log 0.32
      {{2, 4, 4, 5}, {0, 0, 0, 0.1, 0, 0, 0.9}},
      {{2, 4, 4, 5, 6}, {0, 0, 0, 1.0, 0, 0, 0}},
  };
  const FakeModel model = table_model(table);
  const auto best = [&](LengthNormalization normalization) {
    return beam_search(
        model, batch_of({{4, 3}}), {},
        {.beam_size = 2, .length_normalization = normalization, .max_length = 4})[0][0];
  };
  CHECK(best(LengthNormalization::none).ids.empty());
  CHECK(best(LengthNormalization::average).ids == Tokens{4, 4, 5, 6});
}

TEST_CASE("pad and begin are never output, unknown only when it is allowed", "[beam_search]") {
  const FakeModel model(6, [](const Tokens&, const Tokens& prefix) {
    if (prefix.size() == 1) return std::vector<double>{0.3, 0.3, 0.3, 0.01, 0.05, 0.04};
    return std::vector<double>{0.2, 0.2, 0.2, 0.35, 0.03, 0.02};
  });
  DecodingOptions options{.beam_size = 3, .n_best = 3};
  for (const bool allow_unknown : {false, true}) {
    options.allow_unknown = allow_unknown;
    bool has_unknown = false;
    const auto results = beam_search(model, batch_of({{4, 3}}), {}, options);
    for (const IdHypothesis& hypothesis : results[0])
      for (const std::int64_t id : hypothesis.ids) {
        CHECK(id != 0);
        CHECK(id != 2);
        CHECK(id != kEnd);
        has_unknown = has_unknown || id == 1;
      }
    CHECK(has_unknown == allow_unknown);
  }
}

TEST_CASE("a model whose pad and begin are the end word still ends", "[beam_search]") {
  const FakeModel model(6, [](const Tokens&, const Tokens& prefix) {
    if (prefix.size() < 3) return std::vector<double>{0.1, 0.1, 0.1, 0.2, 0.5, 0.0};
    return std::vector<double>{0.0, 0.0, 0.0, 0.9, 0.1, 0.0};
  });
  const TargetIds ids{.begin = 3, .end = 3, .pad = 3, .unknown = 1};
  const auto result = beam_search(model, batch_of({{4, 3}}), ids, {.beam_size = 1})[0];
  CHECK(result[0].ids == Tokens{4, 4});
  CHECK(result[0].ended);
}

TEST_CASE("what has not ended at its length limit is returned as it stands", "[beam_search]") {
  const FakeModel model(6, [](const Tokens&, const Tokens&) {
    return std::vector<double>{0, 0, 0, 0.05, 0.6, 0.35};
  });
  const std::vector<Tokens> sources = {{4, 3}, {4, 4, 4, 4, 3}};
  const auto results =
      beam_search(model, batch_of(sources), {},
                  {.beam_size = 2, .n_best = 2, .max_length = 100, .max_length_ratio = 2.0});
  for (std::size_t sentence = 0; sentence < 2; ++sentence) {
    // Twice the tokens of the source, without </s>, plus ten.
    const std::size_t limit = sentence == 0 ? 12 : 18;
    REQUIRE(results[sentence].size() == 2);
    for (const IdHypothesis& hypothesis : results[sentence]) {
      CHECK_FALSE(hypothesis.ended);
      CHECK(hypothesis.ids.size() == limit);
      CHECK(hypothesis.token_scores.size() == limit);
    }
    CHECK(results[sentence][0].ids == Tokens(limit, 4));
    CHECK(results[sentence][0].score > results[sentence][1].score);
  }
  const auto shorter =
      beam_search(model, batch_of({{4, 3}}), {}, {.beam_size = 2, .max_length = 3});
  CHECK(shorter[0][0].ids.size() == 3);
}

TEST_CASE("an output may end right at its length limit", "[beam_search]") {
  const FakeModel model(6, [](const Tokens&, const Tokens& prefix) {
    return prefix.size() == 4 ? std::vector<double>{0, 0, 0, 0.9, 0.1, 0}
                              : std::vector<double>{0, 0, 0, 0.1, 0.9, 0};
  });
  const auto result =
      beam_search(model, batch_of({{4, 3}}), {}, {.beam_size = 1, .max_length = 3})[0];
  CHECK(result[0].ids == Tokens{4, 4, 4});
  CHECK(result[0].ended);
}

TEST_CASE("no output is shorter than min_length, which is stronger than the ratio",
          "[beam_search]") {
  const FakeModel model(6, [](const Tokens&, const Tokens&) {
    return std::vector<double>{0, 0, 0, 0.9, 0.06, 0.04};
  });
  const auto result = beam_search(model, batch_of({{4, 3}}), {},
                                  {.beam_size = 4,
                                   .n_best = 4,
                                   .min_length = 20,
                                   .max_length = 40,
                                   .max_length_ratio = 0.1})[0];
  REQUIRE_FALSE(result.empty());
  for (const IdHypothesis& hypothesis : result) {
    CHECK(hypothesis.ids.size() >= 20);
    CHECK(hypothesis.ended);
  }
}

TEST_CASE("the n best are sorted, distinct, and begin with the best", "[beam_search]") {
  const FakeModel model(12, random_rule(12));
  for (const LengthNormalization normalization : kNormalizations) {
    DecodingOptions options{
        .beam_size = 6, .n_best = 6, .length_normalization = normalization, .max_length = 9};
    const auto many = beam_search(model, batch_of({{4, 6, 3}}), {}, options)[0];
    REQUIRE(many.size() == 6);
    std::set<Tokens> distinct;
    for (std::size_t rank = 0; rank < many.size(); ++rank) {
      distinct.insert(many[rank].ids);
      if (rank > 0) CHECK(many[rank - 1].score >= many[rank].score);
      double sum = 0.0;
      for (const float score : many[rank].token_scores)
        sum += score;
      CHECK(many[rank].log_probability == Approx(sum).epsilon(1e-9));
    }
    CHECK(distinct.size() == 6);
    options.n_best = 1;
    CHECK(beam_search(model, batch_of({{4, 6, 3}}), {}, options)[0][0].ids == many[0].ids);
  }
}

TEST_CASE("a sentence's outputs do not depend on what it was batched with", "[beam_search]") {
  std::mt19937 random(3);
  std::vector<Tokens> sources;
  for (int sentence = 0; sentence < 40; ++sentence) {
    Tokens source;
    for (std::uint32_t length = random() % 8; length > 0; --length)
      source.push_back(4 + random() % 6);
    source.push_back(kEnd);
    sources.push_back(source);
  }
  const FakeModel model(10, random_rule(10));
  const DecodingOptions options{.beam_size = 3, .n_best = 3, .max_length = 12};
  const auto together = beam_search(model, batch_of(sources), {}, options);
  for (std::size_t sentence = 0; sentence < sources.size(); ++sentence) {
    const auto alone = beam_search(model, batch_of({sources[sentence]}), {}, options)[0];
    REQUIRE(alone.size() == together[sentence].size());
    for (std::size_t rank = 0; rank < alone.size(); ++rank) {
      CHECK(alone[rank].ids == together[sentence][rank].ids);
      CHECK(alone[rank].score == together[sentence][rank].score);
    }
  }
}

TEST_CASE("finished sentences leave the batch", "[beam_search]") {
  // The source's first word tells how long the output is.
  const FakeModel model(40, [](const Tokens& source, const Tokens& prefix) {
    std::vector<double> probabilities(40, 0.0);
    probabilities[static_cast<std::int64_t>(prefix.size()) <= source[0] ? 5 : kEnd] = 1.0;
    return probabilities;
  });
  const auto results = beam_search(model, batch_of({{4, 3}, {30, 3}, {8, 3}}), {},
                                   {.beam_size = 2, .max_length = 50, .max_length_ratio = 100.0});
  CHECK(results[0][0].ids.size() == 4);
  CHECK(results[1][0].ids.size() == 30);
  CHECK(results[2][0].ids.size() == 8);
  CHECK(model.steps == 31);
  CHECK(model.rows_computed == 3 + 2 * (3 * 4 + 2 * 4 + 22));
  CHECK(model.reorders <= 4);  // one hypothesis each: only the start and the leavings
}

TEST_CASE("a sentence stops when no live hypothesis can enter the list", "[beam_search]") {
  // Two good short outputs; what lives on is hopeless though it would go on for ever.
  const FakeModel model(6, [](const Tokens&, const Tokens& prefix) {
    if (prefix.size() == 1) return std::vector<double>{0, 0, 0, 0.5, 0.49, 0.01};
    return prefix[1] == 4 ? std::vector<double>{0, 0, 0, 0.9, 0.1, 0}
                          : std::vector<double>{0, 0, 0, 1e-9, 0.5, 0.5};
  });
  const auto result = beam_search(model, batch_of({{4, 3}}), {},
                                  {.beam_size = 2, .n_best = 2, .max_length = 200})[0];
  CHECK(model.steps == 2);
  REQUIRE(result.size() == 2);
  CHECK(result[0].ids.empty());
  CHECK(result[1].ids == Tokens{4});
}

TEST_CASE("a model without finite probabilities is an error with advice", "[beam_search]") {
  const FakeModel model(6, [](const Tokens&, const Tokens& prefix) {
    const double broken = prefix.size() == 3 ? std::numeric_limits<double>::quiet_NaN() : 0.4;
    return std::vector<double>{0, 0, 0, 0.0, broken, broken};
  });
  CHECK_THROWS_AS(beam_search(model, batch_of({{4, 3}}), {}, {}), dragoman::ModelError);
  CHECK_THROWS_WITH(beam_search(model, batch_of({{4, 3}}), {}, {}),
                    Catch::Contains("token 3") && Catch::Contains("fp32"));
}

TEST_CASE("an empty batch gives no results", "[beam_search]") {
  const FakeModel model(6, random_rule(6));
  CHECK(beam_search(model, {at::empty({0, 0}, at::kLong), at::empty({0}, at::kLong)}, {}, {})
            .empty());
}
