#include "dragoman/inference/search/sampling.h"

#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/native_model.h"
#include "tests/inference/copying_batch.h"
#include "tests/inference/exhaustive_search.h"
#include "tests/support/catch.h"

using dragoman::DecodingOptions;
using dragoman::sample;
using dragoman::sampling_probabilities;
using dragoman::SearchDemands;
using dragoman_test::batch_of;
using dragoman_test::FakeModel;
using dragoman_test::random_rule;
using dragoman_test::Tokens;

namespace {

std::vector<double> logs(const std::vector<double>& probabilities) {
  std::vector<double> values;
  for (const double probability : probabilities)
    values.push_back(std::log(probability));
  return values;
}

void check_close(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t place = 0; place < found.size(); ++place)
    CHECK(found[place] == Approx(expected[place]).margin(1e-12));
}

DecodingOptions samples(std::int64_t n) {
  DecodingOptions options;
  options.sample = true;
  options.n_best = n;
  options.max_length = 4;
  options.max_length_ratio = 1000.0;
  options.allow_unknown = true;
  return options;
}

}  // namespace

TEST_CASE("temperature, then top-k, then top-p", "[sampling]") {
  const std::vector<double> given = logs({0.1, 0.4, 0.2, 0.0, 0.3});
  DecodingOptions options;
  check_close(sampling_probabilities(given, options), {0.1, 0.4, 0.2, 0.0, 0.3});
  options.top_k = 2;
  check_close(sampling_probabilities(given, options), {0, 0.4 / 0.7, 0, 0, 0.3 / 0.7});
  options.top_k = 0;
  options.top_p = 0.69;
  check_close(sampling_probabilities(given, options), {0, 0.4 / 0.7, 0, 0, 0.3 / 0.7});
  options.top_p = 0.71;
  check_close(sampling_probabilities(given, options), {0, 0.4 / 0.9, 0.2 / 0.9, 0, 0.3 / 0.9});
  options.top_k = 3;
  options.top_p = 0.4;  // of the three: 0.4 / 0.9 suffices
  check_close(sampling_probabilities(given, options), {0, 1, 0, 0, 0});
  options.top_k = 0;
  options.top_p = 1.0;
  options.temperature = 0.5;  // squares
  check_close(sampling_probabilities(given, options),
              {0.01 / 0.3, 0.16 / 0.3, 0.04 / 0.3, 0, 0.09 / 0.3});
  options.temperature = 1.0;
  options.top_k = 100;
  check_close(sampling_probabilities(given, options), {0.1, 0.4, 0.2, 0.0, 0.3});
  options.top_k = 1;  // of equal ones the smaller id
  check_close(sampling_probabilities(logs({0.2, 0.4, 0.4}), options), {0, 1, 0});
  const std::vector<double> impossible(3, -INFINITY);
  check_close(sampling_probabilities(impossible, options), {0, 0, 0});
  CHECK(dragoman::token_at(sampling_probabilities(impossible, options), 0.5) == -1);
  CHECK(dragoman::token_at(std::vector<double>{0.0, 0.25, 0.75, 0.0}, 0.0) == 1);
  CHECK(dragoman::token_at(std::vector<double>{0.0, 0.25, 0.75, 0.0}, 0.25) == 2);
  CHECK(dragoman::token_at(std::vector<double>{0.0, 0.25, 0.74, 0.0}, 0.9999) == 2);
}

TEST_CASE("outputs are drawn with their probabilities", "[sampling]") {
  const auto rule = random_rule(6);
  const FakeModel model(6, rule);
  constexpr std::int64_t kDraws = 4000;
  DecodingOptions options = samples(kDraws);
  options.max_length = 2;
  const auto drawn = sample(model, batch_of({{4, 5, 3}}), {}, options)[0];
  REQUIRE(std::ssize(drawn) == kDraws);
  // Tokens 0 and 2 are never said, so the others share their probability.
  std::map<Tokens, double> expected;
  const std::function<void(const Tokens&, double)> visit = [&](const Tokens& said, double before) {
    Tokens prefix{2};
    prefix.insert(prefix.end(), said.begin(), said.end());
    const auto p = rule({4, 5, 3}, prefix);
    const double sum = p[1] + p[3] + p[4] + p[5];
    if (said.size() == 2) {
      expected[said] += before;  // whether or not it ends there
      return;
    }
    expected[said] += before * p[3] / sum;
    for (const std::int64_t word : {1, 4, 5}) {
      Tokens longer = said;
      longer.push_back(word);
      visit(longer, before * p[word] / sum);
    }
  };
  visit({}, 1.0);
  std::map<Tokens, double> counts;
  for (const auto& hypothesis : drawn)
    ++counts[hypothesis.ids];
  REQUIRE(expected.size() == 13);
  double chi_square = 0.0;
  for (const auto& [output, probability] : expected) {
    const double wanted = probability * static_cast<double>(kDraws);
    chi_square += (counts[output] - wanted) * (counts[output] - wanted) / wanted;
  }
  CHECK(chi_square < 32.9);  // 12 degrees of freedom: 0.001
  CHECK(chi_square > 2.2);   // 0.999
  // Scores are the model's, over all words.
  const auto p = rule({4, 5, 3}, {2});
  for (const auto& hypothesis : drawn)
    CHECK(hypothesis.token_scores[0] ==
          Approx(std::log(p[hypothesis.ids.empty() ? 3 : hypothesis.ids[0]])));
}

TEST_CASE("what is drawn depends on seed, number and place, not on the batch", "[sampling]") {
  const FakeModel model(20, random_rule(20));
  DecodingOptions options = samples(3);
  options.max_length = 8;
  const std::vector<Tokens> sources = {{4, 3}, {5, 6, 7, 3}, {4, 3}};
  SearchDemands demands;
  demands.sentences = {{{}, {}, 0}, {{}, {}, 1}, {{}, {}, 2}};
  const auto together = sample(model, batch_of(sources), {}, options, demands);
  for (std::size_t index = 0; index < sources.size(); ++index) {
    SearchDemands own;
    own.sentences = {demands.sentences[index]};
    const auto alone = sample(model, batch_of({sources[index]}), {}, options, own)[0];
    REQUIRE(alone.size() == 3);
    for (std::size_t number = 0; number < 3; ++number)
      CHECK(alone[number].ids == together[index][number].ids);
    // The first of three is what one alone would be.
    DecodingOptions one = options;
    one.n_best = 1;
    CHECK(sample(model, batch_of({sources[index]}), {}, one, own)[0][0].ids == alone[0].ids);
  }
  CHECK(together[0][0].ids != together[2][0].ids);  // equal sources, different numbers
  CHECK(together[0][0].ids != together[0][1].ids);
  options.seed = 2;
  CHECK(sample(model, batch_of(sources), {}, options, demands)[1][0].ids != together[1][0].ids);
}

TEST_CASE("samples obey limits, rules and prefixes", "[sampling]") {
  const FakeModel model(12, random_rule(12));
  DecodingOptions options = samples(40);
  options.min_length = 3;
  options.max_length = 6;
  options.no_repeat_ngram = 1;
  SearchDemands demands{{{7}, {8, 9}}, {}, {{{5, 11}, {}, 0}}};
  const auto drawn = sample(model, batch_of({{4, 3}}), {}, options, demands)[0];
  bool any_capped = false;
  for (const auto& hypothesis : drawn) {
    CHECK(dragoman_test::begins_with(hypothesis.ids, {5, 11}));
    CHECK(hypothesis.ids.size() >= 3);
    CHECK(hypothesis.ids.size() <= 6);
    CHECK(std::set<std::int64_t>(hypothesis.ids.begin(), hypothesis.ids.end()).size() ==
          hypothesis.ids.size());
    CHECK_FALSE(dragoman_test::holds(hypothesis.ids, {7}));
    CHECK_FALSE(dragoman_test::holds(hypothesis.ids, {8, 9}));
    CHECK(hypothesis.token_scores.size() == hypothesis.ids.size() + (hypothesis.ended ? 1 : 0));
    any_capped = any_capped || !hypothesis.ended;
  }
  CHECK(any_capped);
}

TEST_CASE("top_k of one is greedy search", "[sampling]") {
  const FakeModel model(15, random_rule(15));
  DecodingOptions options{.beam_size = 1, .max_length = 9};
  const auto batch = batch_of({{4, 3}, {6, 6, 3}});
  const auto greedy = beam_search(model, batch, {}, options);
  options.sample = true;
  options.top_k = 1;
  const auto drawn = sample(model, batch, {}, options);
  for (std::size_t sentence = 0; sentence < 2; ++sentence) {
    CHECK(drawn[sentence][0].ids == greedy[sentence][0].ids);
    CHECK(drawn[sentence][0].score == Approx(greedy[sentence][0].score));
  }
}

TEST_CASE("samples of a model that copies hold words of no vocabulary", "[sampling][copying]") {
  using dragoman_test::kCopyingWords;
  const dragoman::NativeModel model(
      dragoman_test::tiny_transformer(dragoman_test::copying_config(kCopyingWords, true), 5));
  dragoman::SourceBatch batch = dragoman_test::copying_batch();
  DecodingOptions options = samples(20);
  options.max_length = 12;
  const auto drawn = sample(model, batch, {}, options);
  std::int64_t extra = 0;
  for (const auto& hypotheses : drawn)
    for (const auto& hypothesis : hypotheses)
      extra += std::ranges::count_if(hypothesis.ids,
                                     [](std::int64_t id) { return id >= kCopyingWords; });
  CHECK(extra > 0);
  const auto [input, output] = dragoman_test::as_targets(drawn);
  const auto scores = model.score(batch, input, output);
  for (std::int64_t row = 0; row < 4; ++row) {
    const auto& first = drawn[static_cast<std::size_t>(row)].front();
    for (std::int64_t place = 0; place < std::ssize(first.token_scores); ++place)
      CHECK(std::abs(scores.log_probs[row][place].item<float>() -
                     first.token_scores[static_cast<std::size_t>(place)]) < 1e-4f);
  }
  // Protected words come out exactly once.
  batch.required = {{kCopyingWords, kCopyingWords + 1}, {}, {kCopyingWords}, {}};
  options.max_length = 200;
  const auto protecting = sample(model, batch, {}, options);
  for (const auto& hypothesis : protecting[0])
    for (const std::int64_t id : batch.required[0]) {
      const auto times = std::ranges::count(hypothesis.ids, id);
      CHECK((times == 1 || (times == 0 && !hypothesis.ended)));
    }
}

TEST_CASE("samples of a model without finite probabilities are an error", "[sampling]") {
  const FakeModel model(
      6, [](const Tokens&, const Tokens&) { return std::vector<double>{0, 0, 0, 0.1, NAN, 0.4}; });
  CHECK_THROWS_AS(sample(model, batch_of({{4, 3}}), {}, samples(1)), dragoman::ModelError);
}
