// Outputs that begin with what the caller says.
#include <cmath>
#include <set>

#include "dragoman/inference/models/native_model.h"
#include "dragoman/inference/search/beam_search.h"
#include "tests/inference/copying_batch.h"
#include "tests/inference/exhaustive_search.h"
#include "tests/support/catch.h"

using dragoman::SearchDemands;
using dragoman_test::batch_of;
using dragoman_test::begins_with;
using dragoman_test::exhaustive_search;
using dragoman_test::FakeModel;
using dragoman_test::random_rule;
using dragoman_test::Tokens;

TEST_CASE("a wide beam finds exactly the outputs that begin with the prefix", "[prefix]") {
  const auto rule = random_rule(6);
  const FakeModel model(6, rule);
  const std::vector<Tokens> sources = {{4, 5, 3}, {5, 3}, {4, 4, 4, 3}};
  const std::vector<Tokens> prefixes = {{5}, {}, {4, 1, 4}};
  SearchDemands demands;
  for (const Tokens& prefix : prefixes)
    demands.sentences.push_back({prefix, {}, 0});
  const auto options = dragoman_test::wide_beam();
  const auto found = beam_search(model, batch_of(sources), {}, options, demands);
  for (std::size_t sentence = 0; sentence < sources.size(); ++sentence) {
    const auto expected = exhaustive_search(
        rule, sources[sentence], {1, 4, 5}, options,
        [&](const Tokens& output) { return begins_with(output, prefixes[sentence]); });
    REQUIRE(found[sentence].size() == expected.size());
    for (std::size_t rank = 0; rank < expected.size(); ++rank) {
      CHECK(found[sentence][rank].ids == expected[rank].ids);
      CHECK(found[sentence][rank].token_scores == expected[rank].token_scores);
    }
  }
}

TEST_CASE("a prefix is said against every rule", "[prefix]") {
  // Impossible, forbidden, repeating and longer than the ratio allows.
  const FakeModel model(6, [](const Tokens&, const Tokens& prefix) {
    return prefix.size() > 13 ? std::vector<double>{0, 0, 0, 0.9, 0.1, 0}
                              : std::vector<double>{0, 0, 0, 0.9, 0.1, 0};
  });
  dragoman::DecodingOptions options{
      .beam_size = 3, .max_length_ratio = 0.1, .no_repeat_ngram = 1, .repetition_penalty = 2.0};
  const Tokens prefix{1, 5, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4};
  SearchDemands demands{{{5}}, {}, {{prefix, {}, 0}}};
  const auto found = beam_search(model, batch_of({{4, 3}}), {}, options, demands)[0];
  REQUIRE(found.size() == 1);
  CHECK(found[0].ids == prefix);
  CHECK(found[0].ended);
}

TEST_CASE("alternatives differ in the first token after the prefix", "[prefix]") {
  const auto rule = random_rule(9);
  const FakeModel model(9, rule);
  const std::vector<Tokens> sources = {{4, 5, 3}, {5, 3}, {7, 8, 8, 3}};
  SearchDemands demands;
  demands.sentences = {{{6, 4}, {}, 0}, {{}, {}, 0}, {{8}, {}, 0}};
  dragoman::DecodingOptions options{.beam_size = 4, .n_best = 4, .max_length = 8};
  options.prefix_alternatives = true;
  const auto found = beam_search(model, batch_of(sources), {}, options, demands);
  options.prefix_alternatives = false;
  options.n_best = 1;
  for (std::size_t sentence = 0; sentence < sources.size(); ++sentence) {
    const Tokens& prefix = demands.sentences[sentence].prefix;
    REQUIRE(found[sentence].size() == 4);
    // The best next tokens ...
    Tokens so_far{2};
    so_far.insert(so_far.end(), prefix.begin(), prefix.end());
    std::vector<double> probabilities = rule(sources[sentence], so_far);
    for (const std::int64_t never : {0, 1, 2})
      probabilities[never] = 0.0;
    std::set<std::int64_t> expected;
    while (expected.size() < 4) {
      const auto best = std::ranges::max_element(probabilities) - probabilities.begin();
      expected.insert(best);
      probabilities[best] = 0.0;
    }
    std::set<std::int64_t> first;
    for (const auto& hypothesis : found[sentence]) {
      CHECK(begins_with(hypothesis.ids, prefix));
      const bool is_prefix = hypothesis.ids.size() == prefix.size();
      first.insert(is_prefix ? 3 : hypothesis.ids[prefix.size()]);
      if (is_prefix) continue;
      // ... each followed by what a search from there finds.
      SearchDemands one;
      one.sentences = {
          {Tokens(hypothesis.ids.begin(), hypothesis.ids.begin() + std::ssize(prefix) + 1), {}, 0}};
      CHECK(beam_search(model, batch_of({sources[sentence]}), {}, options, one)[0][0].ids ==
            hypothesis.ids);
    }
    CHECK(first == expected);
  }
}

TEST_CASE("there are no more alternatives than first tokens", "[prefix]") {
  const FakeModel model(6, random_rule(6));
  dragoman::DecodingOptions options{.beam_size = 8, .n_best = 8, .max_length = 5};
  options.prefix_alternatives = true;
  const auto found = beam_search(model, batch_of({{4, 3}}), {}, options)[0];
  CHECK(found.size() == 3);  // 4, 5 and the end
}

TEST_CASE("a prefix may hold words that a model can only copy", "[prefix][copying]") {
  using dragoman_test::kCopyingWords;
  for (const bool coverage : {false, true}) {
    const dragoman::NativeModel model(
        dragoman_test::tiny_transformer(dragoman_test::copying_config(kCopyingWords, coverage), 5));
    const dragoman::SourceBatch batch = dragoman_test::copying_batch();
    dragoman::DecodingOptions options;
    options.max_length = 12;
    SearchDemands demands;
    demands.sentences = {{{kCopyingWords, 30}, {}, 0}, {}, {{33, kCopyingWords + 1}, {}, 2}, {}};
    const auto found = beam_search(model, batch, {}, options, demands);
    const auto [input, output] = dragoman_test::as_targets(found);
    const auto scores = model.score(batch, input, output);
    for (const std::int64_t row : {0, 2}) {
      const auto& hypothesis = found[static_cast<std::size_t>(row)].front();
      CHECK(begins_with(hypothesis.ids, demands.sentences[static_cast<std::size_t>(row)].prefix));
      for (std::int64_t place = 0; place < 2; ++place)
        CHECK(std::abs(scores.log_probs[row][place].item<float>() -
                       hypothesis.token_scores[static_cast<std::size_t>(place)]) < 1e-4f);
    }
    const auto free = beam_search(model, batch, {}, options);
    CHECK(found[1].front().ids == free[1].front().ids);
  }
}
