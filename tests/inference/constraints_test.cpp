#include "dragoman/inference/search/constraints.h"

#include <cmath>

#include "dragoman/inference/models/native_model.h"
#include "dragoman/inference/search/beam_search.h"
#include "tests/inference/copying_batch.h"
#include "tests/inference/exhaustive_search.h"
#include "tests/support/catch.h"

using dragoman::allocate_places;
using dragoman::Phrases;
using dragoman::PhraseState;
using dragoman::SearchDemands;
using dragoman_test::batch_of;
using dragoman_test::exhaustive_search;
using dragoman_test::FakeModel;
using dragoman_test::holds;
using dragoman_test::random_rule;
using dragoman_test::Tokens;

namespace {

PhraseState state_after(const Phrases& phrases, const Tokens& output) {
  PhraseState state = phrases.start();
  for (const std::int64_t token : output)
    state = phrases.after(state, token);
  return state;
}

SearchDemands demands_of(const std::vector<Tokens>& phrases, std::vector<bool> continues = {}) {
  SearchDemands demands;
  demands.continues_word = std::move(continues);
  demands.sentences.push_back({{}, phrases, 0});
  return demands;
}

}  // namespace

TEST_CASE("phrases are followed token by token, also where they overlap", "[constraints]") {
  const std::vector<bool> none;
  const Phrases phrases({{5, 6, 5, 7}, {7, 8}}, none);
  CHECK(phrases.size() == 6);
  CHECK(phrases.tokens() == Tokens{5, 6, 7, 8});
  CHECK(phrases.wanted(phrases.start()) == Tokens{5, 7});
  const PhraseState begun = state_after(phrases, {9, 5, 6, 5, 6, 5});  // 5 6 5, after a false start
  CHECK(phrases.tokens_met(begun) == 3);
  CHECK(phrases.wanted(begun) == Tokens{7});
  const PhraseState first = phrases.after(begun, 7);  // ends the first, begins the second
  CHECK(phrases.tokens_met(first) == 5);
  CHECK_FALSE(phrases.are_met(first));
  CHECK(phrases.wanted(first) == Tokens{8});
  const PhraseState both = phrases.after(first, 8);
  CHECK(phrases.are_met(both));
  CHECK(phrases.tokens_met(both) == 6);
  CHECK(phrases.wanted(phrases.after(first, 9)) == Tokens{7});
}

TEST_CASE("a phrase within a longer word is not met", "[constraints]") {
  std::vector<bool> continues(10, false);
  continues[9] = true;
  const Phrases phrases({{5, 6}}, continues);
  CHECK(phrases.are_met(state_after(phrases, {5, 6})));
  CHECK_FALSE(phrases.are_met(state_after(phrases, {5, 6, 9})));
  CHECK(phrases.are_met(state_after(phrases, {5, 6, 8, 9})));
  CHECK(phrases.are_met(state_after(phrases, {5, 6, 9, 5, 6})));
  CHECK(phrases.wanted(state_after(phrases, {5, 6, 9})) == Tokens{5});
}

TEST_CASE("places of the beam are shared out among banks", "[constraints]") {
  CHECK(allocate_places(Tokens{9, 9, 9}, 7) == Tokens{2, 2, 3});
  CHECK(allocate_places(Tokens{9, 9, 0}, 7) == Tokens{2, 5, 0});
  CHECK(allocate_places(Tokens{9, 1, 1}, 7) == Tokens{5, 1, 1});
  CHECK(allocate_places(Tokens{1, 9, 9}, 9) == Tokens{1, 3, 5});  // round to the last bank
  CHECK(allocate_places(Tokens{9, 9, 9, 0}, 2) == Tokens{0, 0, 2, 0});
  CHECK(allocate_places(Tokens{1, 1}, 8) == Tokens{1, 1});
}

TEST_CASE("a wide beam finds exactly the outputs that hold the phrases", "[constraints]") {
  const auto rule = random_rule(6);
  const FakeModel model(6, rule);
  for (const std::vector<Tokens>& phrases :
       std::vector<std::vector<Tokens>>{{{4}}, {{5, 4}}, {{4, 4}, {4, 5}}, {{1}, {5}}}) {
    const auto options = dragoman_test::wide_beam();
    const auto expected =
        exhaustive_search(rule, {4, 5, 3}, {1, 4, 5}, options, [&](const Tokens& output) {
          return std::ranges::all_of(phrases,
                                     [&](const Tokens& phrase) { return holds(output, phrase); });
        });
    const auto found =
        beam_search(model, batch_of({{4, 5, 3}}), {}, options, demands_of(phrases))[0];
    REQUIRE(found.size() == expected.size());
    for (std::size_t rank = 0; rank < found.size(); ++rank) {
      CHECK(found[rank].ids == expected[rank].ids);
      CHECK(found[rank].score == Approx(expected[rank].score).epsilon(1e-6));
    }
  }
}

TEST_CASE("a narrow beam says what is wanted, however unlikely", "[constraints]") {
  // Words 10 and 11 have next to no probability; the output likes to end after three tokens.
  const FakeModel model(12, [](const Tokens&, const Tokens& prefix) {
    std::vector<double> probabilities(12, 0.05);
    probabilities[10] = probabilities[11] = 1e-6;
    probabilities[3] = prefix.size() > 3 ? 0.9 : 0.01;
    return probabilities;
  });
  for (const std::int64_t beam : {1, 2, 5, 8}) {
    dragoman::DecodingOptions options{.beam_size = beam, .n_best = beam, .max_length = 12};
    const auto found = beam_search(model, batch_of({{4, 5, 6, 3}, {4, 3}}), {}, options,
                                   {{}, {}, {{{}, {{10, 11}, {7}}, 0}, {}}});
    CHECK(found[0].front().ended);
    for (const auto& hypothesis : found[0]) {
      if (!hypothesis.ended) continue;
      CHECK(holds(hypothesis.ids, {10, 11}));
      CHECK(holds(hypothesis.ids, {7}));
    }
    // The other sentence is searched as alone.
    CHECK(found[1].front().ids ==
          beam_search(model, batch_of({{4, 3}}), {}, options)[0].front().ids);
  }
}

TEST_CASE("what the length limit leaves no room for is not said, and nothing ends",
          "[constraints]") {
  const FakeModel model(6, random_rule(6));
  dragoman::DecodingOptions options{.beam_size = 4, .max_length = 2};
  const auto found =
      beam_search(model, batch_of({{4, 3}}), {}, options, demands_of({{4, 5, 4}}))[0];
  REQUIRE(found.size() == 1);
  CHECK_FALSE(found[0].ended);
  CHECK(found[0].ids == Tokens{4, 5});  // it holds the most
}

TEST_CASE("words of the source can be demanded of a model that copies", "[constraints][copying]") {
  using dragoman_test::kCopyingWords;
  const dragoman::NativeModel model(
      dragoman_test::tiny_transformer(dragoman_test::copying_config(kCopyingWords, true), 5));
  const dragoman::SourceBatch batch = dragoman_test::copying_batch();
  dragoman::DecodingOptions options;
  options.beam_size = 6;
  options.max_length = 30;
  SearchDemands demands;
  demands.sentences = {{{}, {{kCopyingWords, 17}}, 0}, {{}, {{20}, {99}}, 1}, {{}, {}, 2}, {}};
  const auto found = beam_search(model, batch, {}, options, demands);
  const auto free = beam_search(model, batch, {}, options);
  CHECK(holds(found[0].front().ids, {kCopyingWords, 17}));
  CHECK(holds(found[1].front().ids, {20}));
  CHECK(holds(found[1].front().ids, {99}));
  CHECK(found[2].front().ids == free[2].front().ids);
  CHECK(found[3].front().ids == free[3].front().ids);
  // The figures of demanded words are the model's.
  const auto [input, output] = dragoman_test::as_targets(found);
  const auto scores = model.score(batch, input, output);
  for (std::int64_t row = 0; row < 2; ++row) {
    const auto& hypothesis = found[static_cast<std::size_t>(row)].front();
    for (std::int64_t place = 0; place < std::ssize(hypothesis.ids); ++place)
      CHECK(std::abs(scores.log_probs[row][place].item<float>() -
                     hypothesis.token_scores[static_cast<std::size_t>(place)]) < 1e-4f);
  }
}
