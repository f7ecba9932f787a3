#include "dragoman/inference/search/search_observer.h"

#include <map>
#include <set>

#include "dragoman/inference/search/beam_search.h"
#include "tests/inference/fake_model.h"
#include "tests/support/catch.h"

namespace {

using dragoman::DecodingOptions;
using dragoman::IdHypothesis;
using dragoman_test::FakeModel;
using dragoman_test::Tokens;

const std::vector<Tokens> kSources = {{4, 6, 3}, {5, 3}, {7, 4, 8, 3}, {9, 3}, {4, 5, 6, 3}};

struct Watch final : dragoman::SearchObserver {
  bool is_abandoned(std::int64_t sentence) override {
    return abandoned.contains(sentence) && ++asked[sentence] > patience;
  }
  bool wants_prefixes(std::int64_t sentence) override { return sentence != 1; }
  void on_prefix(std::int64_t sentence, std::span<const std::int64_t> tokens) override {
    prefixes[sentence].emplace_back(tokens.begin(), tokens.end());
  }
  void on_finished(std::int64_t sentence, const std::vector<IdHypothesis>& hypotheses) override {
    finished[sentence] = hypotheses.front().ids;
  }

  std::set<std::int64_t> abandoned;
  int patience = 0;
  std::map<std::int64_t, int> asked;
  std::map<std::int64_t, std::vector<Tokens>> prefixes;
  std::map<std::int64_t, Tokens> finished;
};

}  // namespace

TEST_CASE("prefixes grow and are what the best hypothesis begins with", "[search_observer]") {
  std::size_t told = 0;
  for (const std::int64_t beam : {1, 2, 4, 7})
    for (std::int64_t seed = 0; seed < 10; ++seed) {
      const FakeModel model(12, dragoman_test::random_rule(12));
      auto sources = kSources;
      for (Tokens& source : sources)
        source.insert(source.begin(), 4 + seed % 8);
      const DecodingOptions options{.beam_size = beam, .n_best = beam, .max_length = 12};
      Watch watch;
      const auto found =
          beam_search(model, dragoman_test::batch_of(sources), {}, options, {}, &watch);
      const auto unwatched = beam_search(model, dragoman_test::batch_of(sources), {}, options);
      CHECK_FALSE(watch.prefixes.contains(1));
      for (std::size_t sentence = 0; sentence < sources.size(); ++sentence) {
        const Tokens& best = found[sentence].front().ids;
        CHECK(best == unwatched[sentence].front().ids);
        CHECK(watch.finished[static_cast<std::int64_t>(sentence)] == best);
        std::size_t length = 0;
        for (const Tokens& prefix : watch.prefixes[static_cast<std::int64_t>(sentence)]) {
          CHECK(prefix.size() > length);
          length = prefix.size();
          REQUIRE(length <= best.size());
          CHECK(std::equal(prefix.begin(), prefix.end(), best.begin()));
          ++told;
        }
      }
    }
  CHECK(told > 100);
}

TEST_CASE("greedy search is sure of every token at once", "[search_observer]") {
  const FakeModel model(12, dragoman_test::random_rule(12));
  Watch watch;
  const auto found = beam_search(model, dragoman_test::batch_of({kSources[0]}), {},
                                 {.beam_size = 1, .min_length = 6, .max_length = 9}, {}, &watch);
  REQUIRE(watch.prefixes[0].size() >= 6);
  for (std::size_t step = 0; step < watch.prefixes[0].size(); ++step)
    CHECK(watch.prefixes[0][step].size() == step + 1);
  CHECK(watch.prefixes[0].back() == found[0].front().ids);
}

TEST_CASE("abandoned sentences leave the batch, the others stay as they were",
          "[search_observer]") {
  for (const std::int64_t beam : {1, 3}) {
    const DecodingOptions options{.beam_size = beam, .min_length = 8, .max_length = 10};
    const FakeModel model(12, dragoman_test::random_rule(12));
    const auto expected = beam_search(model, dragoman_test::batch_of(kSources), {}, options);
    const std::int64_t rows = model.rows_computed;
    for (const int patience : {0, 4}) {
      model.rows_computed = 0;
      Watch watch;
      watch.abandoned = {0, 3};
      watch.patience = patience;
      const auto found =
          beam_search(model, dragoman_test::batch_of(kSources), {}, options, {}, &watch);
      for (std::size_t sentence = 0; sentence < kSources.size(); ++sentence) {
        if (sentence == 0 || sentence == 3) {
          CHECK(found[sentence].empty());
          CHECK_FALSE(watch.finished.contains(static_cast<std::int64_t>(sentence)));
        } else {
          CHECK(found[sentence].front().ids == expected[sentence].front().ids);
        }
      }
      CHECK(model.rows_computed < rows - 2 * 3 * beam);
    }
    Watch watch;
    watch.abandoned = {0, 1, 2, 3, 4};
    model.steps = 0;
    for (const auto& none :
         beam_search(model, dragoman_test::batch_of(kSources), {}, options, {}, &watch))
      CHECK(none.empty());
    CHECK(model.steps == 1);
  }
}
