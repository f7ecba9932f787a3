#include "dragoman/inference/search/repetition.h"

#include <functional>
#include <set>

#include "dragoman/inference/search/beam_search.h"
#include "tests/inference/fake_model.h"
#include "tests/support/catch.h"

using dragoman_test::Tokens;

namespace {

bool repeats(const Tokens& output, std::size_t n) {
  std::set<Tokens> seen;
  for (std::size_t begin = 0; begin + n <= output.size(); ++begin)
    if (!seen.insert(Tokens(output.begin() + begin, output.begin() + begin + n)).second)
      return true;
  return false;
}

/// Outputs over `words` of at most `max_length` tokens, without a repeated n-gram.
std::set<Tokens> permitted_outputs(const Tokens& words, std::size_t max_length, std::size_t n) {
  std::set<Tokens> found;
  const std::function<void(const Tokens&)> visit = [&](const Tokens& output) {
    if (repeats(output, n)) return;
    found.insert(output);
    if (output.size() == max_length) return;
    for (const std::int64_t word : words) {
      Tokens longer = output;
      longer.push_back(word);
      visit(longer);
    }
  };
  visit({});
  return found;
}

}  // namespace

TEST_CASE("the tokens that would repeat an n-gram", "[repetition]") {
  CHECK(dragoman::repeating_tokens(Tokens{5, 6, 7, 5, 6}, 3) == Tokens{7});
  CHECK(dragoman::repeating_tokens(Tokens{5, 6, 5, 7, 5}, 2) == Tokens{6, 7});
  CHECK(dragoman::repeating_tokens(Tokens{5, 6, 5}, 1) == Tokens{5, 6});
  CHECK(dragoman::repeating_tokens(Tokens{5, 5}, 2) == Tokens{5});
  CHECK(dragoman::repeating_tokens(Tokens{5, 6, 7}, 3).empty());
  CHECK(dragoman::repeating_tokens(Tokens{5}, 3).empty());
  CHECK(dragoman::repeating_tokens(Tokens{5, 5, 5}, 0).empty());
}

TEST_CASE("what is taken from the candidates makes room for the next ones", "[repetition]") {
  dragoman::Candidates candidates{3, {4, 5, 6, 7, 8, 9}, {-1.f, -2.f, -3.f, -4.f, -5.f, -6.f}, {}};
  dragoman::remove_tokens(candidates, 1, Tokens{7, 9});
  CHECK(candidates.ids == Tokens{4, 5, 6, 8, -1, -1});
  CHECK(candidates.log_probs[3] == -5.0f);
  CHECK(std::isinf(candidates.log_probs[4]));
  dragoman::remove_tokens(candidates, 0, Tokens{4, 5, 6});
  CHECK(candidates.ids == Tokens{4, 5, 6, 8, -1, -1});  // nothing would be left
}

TEST_CASE("a wide search finds exactly the outputs without repetition", "[repetition]") {
  const dragoman_test::FakeModel model(6, dragoman_test::random_rule(6));
  for (const std::int64_t n : {1, 2, 3}) {
    const dragoman::DecodingOptions options{.beam_size = 400,
                                            .n_best = 400,
                                            .max_length = 4,
                                            .max_length_ratio = 1000.0,
                                            .no_repeat_ngram = n,
                                            .allow_unknown = true};
    const auto results = beam_search(model, dragoman_test::batch_of({{4, 5, 3}}), {}, options);
    std::set<Tokens> found;
    for (const dragoman::IdHypothesis& hypothesis : results.front())
      found.insert(hypothesis.ids);
    CHECK(found == permitted_outputs({1, 4, 5}, 4, static_cast<std::size_t>(n)));
  }
}

TEST_CASE("a narrow search goes on behind what it must not say", "[repetition]") {
  // Says the same word for ever, others with equal small probability.
  const dragoman_test::FakeModel model(10, [](const Tokens&, const Tokens& prefix) {
    std::vector<double> probabilities(10, 0.01);
    const bool is_long = prefix.size() > 8;
    probabilities[4] = is_long ? 0.01 : 0.9;
    probabilities[3] = is_long ? 0.9 : 1e-6;
    return probabilities;
  });
  dragoman::DecodingOptions options{.beam_size = 2, .max_length = 20};
  options.no_repeat_ngram = 2;
  const auto results = beam_search(model, dragoman_test::batch_of({{4, 5, 6, 3}}), {}, options);
  CHECK_FALSE(repeats(results.front().front().ids, 2));
  CHECK(results.front().front().ids.size() == 8);
}

TEST_CASE("a loop is some tokens that follow themselves so many times", "[repetition]") {
  using dragoman::ends_in_loop;
  using dragoman::has_loop;
  CHECK(ends_in_loop(Tokens{9, 5, 6, 5, 6, 5, 6}, 3));
  CHECK(ends_in_loop(Tokens{9, 5, 6, 5, 6, 5, 6}, 2));
  CHECK_FALSE(ends_in_loop(Tokens{9, 5, 6, 5, 6, 5, 6}, 4));
  CHECK(ends_in_loop(Tokens{5, 5, 5}, 3));
  CHECK_FALSE(ends_in_loop(Tokens{5, 5, 5}, 0));
  CHECK_FALSE(ends_in_loop(Tokens{5, 5, 5}, 1));
  CHECK_FALSE(ends_in_loop(Tokens{}, 2));
  CHECK_FALSE(ends_in_loop(Tokens{5, 6, 5, 6, 7}, 2));
  CHECK(has_loop(Tokens{5, 6, 5, 6, 7}, 2));
  CHECK_FALSE(has_loop(Tokens{5, 6, 7, 5, 6, 7}, 3));
}
