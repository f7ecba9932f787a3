#include "dragoman/inference/search/minimum_bayes_risk.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "dragoman/data/metrics/chrf.h"

namespace dragoman {

std::vector<double> expected_chrf(std::span<const std::string> texts,
                                  std::span<const double> weights) {
  std::vector<double> expected(texts.size(), 0.0);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (std::size_t reference = 0; reference < texts.size(); ++reference) {
    const std::vector<std::vector<std::string>> references{
        std::vector<std::string>(texts.size(), texts[reference])};
    const Statistics statistics = chrf_statistics(texts, references);
    for (std::size_t text = 0; text < texts.size(); ++text)
      expected[text] += weights[reference] / sum *
                        chrf_from_statistics(statistics.row(static_cast<std::int64_t>(text))).score;
  }
  return expected;
}

void keep_least_risk(std::vector<IdHypothesis>& hypotheses, std::span<const std::string> texts,
                     bool are_samples, std::int64_t n) {
  // Equal texts are compared once and count together.
  std::vector<std::string> distinct;
  std::vector<double> weights;
  std::vector<std::size_t> first;  ///< the first hypothesis with each text, the best of a beam
  double highest = hypotheses.front().log_probability;
  for (const IdHypothesis& hypothesis : hypotheses)
    highest = std::max(highest, hypothesis.log_probability);
  for (std::size_t number = 0; number < hypotheses.size(); ++number) {
    const auto known = std::ranges::find(distinct, texts[number]);
    const auto place = static_cast<std::size_t>(known - distinct.begin());
    if (known == distinct.end()) {
      distinct.push_back(texts[number]);
      weights.push_back(0.0);
      first.push_back(number);
    }
    weights[place] += are_samples ? 1.0 : std::exp(hypotheses[number].log_probability - highest);
  }
  const std::vector<double> expected = expected_chrf(distinct, weights);
  std::vector<std::size_t> order(distinct.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater<>(),
                           [&](std::size_t place) { return expected[place]; });
  if (std::ssize(order) > n) order.resize(static_cast<std::size_t>(n));
  std::vector<IdHypothesis> kept;
  for (const std::size_t place : order) {
    kept.push_back(std::move(hypotheses[first[place]]));
    kept.back().expected_chrf = expected[place];
  }
  hypotheses = std::move(kept);
}

}  // namespace dragoman
