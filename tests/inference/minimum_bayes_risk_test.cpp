#include "dragoman/inference/search/minimum_bayes_risk.h"

#include <cmath>

#include "dragoman/data/metrics/chrf.h"
#include "tests/support/catch.h"

using dragoman::IdHypothesis;

namespace {

const std::vector<std::string> kTexts = {"a dog runs", "the dog runs fast", "a cat", "a dog runs"};

std::vector<IdHypothesis> with_probabilities(const std::vector<double>& probabilities) {
  std::vector<IdHypothesis> hypotheses;
  for (const double probability : probabilities) {
    IdHypothesis& hypothesis = hypotheses.emplace_back();
    hypothesis.ids = {static_cast<std::int64_t>(hypotheses.size())};
    hypothesis.log_probability = std::log(probability);
  }
  return hypotheses;
}

double chrf(std::size_t text, std::size_t reference) {
  return dragoman::sentence_chrf(kTexts[text], std::vector<std::string>{kTexts[reference]}).score;
}

}  // namespace

TEST_CASE("expected chrF is the weighted mean of sentence chrF", "[mbr]") {
  const std::vector<double> weights = {1.0, 2.0, 4.0, 1.0};
  const auto found = dragoman::expected_chrf(kTexts, weights);
  for (std::size_t text = 0; text < kTexts.size(); ++text) {
    double expected = 0.0;
    for (std::size_t reference = 0; reference < kTexts.size(); ++reference)
      expected += weights[reference] / 8.0 * chrf(text, reference);
    CHECK(found[text] == Approx(expected));
  }
}

TEST_CASE("samples count alike, and equal ones together", "[mbr]") {
  auto hypotheses = with_probabilities({0.1, 0.9, 0.9, 0.1});
  dragoman::keep_least_risk(hypotheses, kTexts, true, 2);
  REQUIRE(hypotheses.size() == 2);
  CHECK(hypotheses[0].ids[0] == 1);  // drawn twice
  CHECK(hypotheses[1].ids[0] == 2);
  CHECK(hypotheses[0].expected_chrf == Approx((2 * 100.0 + chrf(0, 1) + chrf(0, 2)) / 4.0));
}

TEST_CASE("hypotheses of a beam count by their probability", "[mbr]") {
  auto hypotheses = with_probabilities({1e-9, 1e-9, 0.9, 1e-9});
  dragoman::keep_least_risk(hypotheses, kTexts, false, 10);
  REQUIRE(hypotheses.size() == 3);
  CHECK(hypotheses[0].ids[0] == 3);
  CHECK(hypotheses[0].expected_chrf == Approx(100.0));
}
