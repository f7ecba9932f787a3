#include "dragoman/data/metrics/significance.h"

#include <cmath>
#include <random>
#include <stdexcept>

#include "tests/support/catch.h"

using dragoman::bootstrap_confidence;
using dragoman::paired_bootstrap;
using dragoman::paired_randomization;
using dragoman::Statistics;

namespace {

/// Rows (value, 1): the score is the mean.
Statistics values(const std::vector<double>& of_sentences) {
  Statistics result;
  result.width = 2;
  for (const double value : of_sentences)
    result.values.insert(result.values.end(), {value, 1.0});
  return result;
}

double mean(std::span<const double> sums) {
  return sums[0] / sums[1];
}

std::vector<double> noise(std::size_t count, double centre, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(centre, 1.0);
  std::vector<double> result(count);
  for (double& value : result)
    value = normal(generator);
  return result;
}

}  // namespace

TEST_CASE("the bootstrap interval of a mean is that of the normal approximation") {
  const auto sample = noise(1000, 5.0, 1);
  const auto interval = bootstrap_confidence(values(sample), mean, {.samples = 2000});
  double sum = 0.0;
  double squares = 0.0;
  for (const double value : sample) {
    sum += value;
    squares += value * value;
  }
  const double deviation = std::sqrt(squares / 1000 - sum * sum / 1e6);
  CHECK(interval.mean == Approx(sum / 1000).margin(0.005));
  CHECK(interval.half_width == Approx(1.96 * deviation / std::sqrt(1000.0)).epsilon(0.08));
}

TEST_CASE("resampling is the same for the same seed and another for another") {
  const auto statistics = values(noise(50, 0.0, 2));
  const auto first = bootstrap_confidence(statistics, mean, {.samples = 100, .seed = 7});
  const auto again = bootstrap_confidence(statistics, mean, {.samples = 100, .seed = 7});
  const auto other = bootstrap_confidence(statistics, mean, {.samples = 100, .seed = 8});
  CHECK(first.mean == again.mean);
  CHECK(first.half_width == again.half_width);
  CHECK(first.mean != other.mean);
}

TEST_CASE("randomisation agrees with counting all exchanges") {
  const std::vector<double> one = noise(10, 0.0, 3);
  const std::vector<double> two = noise(10, 0.8, 4);
  const auto difference_of = [&](unsigned exchanged) {
    double sum = 0.0;
    for (unsigned sentence = 0; sentence < 10; ++sentence) {
      const double gain = two[sentence] - one[sentence];
      sum += (exchanged >> sentence & 1) != 0 ? -gain : gain;
    }
    return std::abs(sum / 10);
  };
  int greater = 0;
  for (unsigned exchanged = 0; exchanged < 1024; ++exchanged)
    greater += difference_of(exchanged) > difference_of(0) + 1e-12 ? 1 : 0;
  const double p = paired_randomization(values(one), values(two), mean, {.samples = 20000});
  CHECK(p == Approx(greater / 1024.0).margin(0.012));
}

TEST_CASE("paired tests find a real difference and no difference between alike systems") {
  const auto one = noise(300, 0.0, 5);
  auto better = one;
  for (double& value : better)
    value += 1.0;
  const auto alike = noise(300, 0.0, 6);
  const dragoman::Resampling few{.samples = 500};
  CHECK(paired_bootstrap(values(one), values(better), mean, few).p_value == Approx(1.0 / 501));
  CHECK(paired_randomization(values(one), values(better), mean, few) == Approx(1.0 / 501));
  CHECK(paired_bootstrap(values(one), values(alike), mean, few).p_value > 0.05);
  CHECK(paired_randomization(values(one), values(alike), mean, few) > 0.05);
}

TEST_CASE("a system is not significantly different from itself") {
  const auto same = values(noise(100, 0.0, 9));
  CHECK(paired_bootstrap(same, same, mean).p_value == 1.0);
  CHECK(paired_randomization(same, same, mean, {.samples = 100}) == 1.0);
}

TEST_CASE("paired tests refuse systems of different shape, and nothing at all") {
  CHECK_THROWS_AS(paired_bootstrap(values({1, 2}), values({1}), mean), std::invalid_argument);
  CHECK_THROWS_AS(bootstrap_confidence(values({}), mean), std::invalid_argument);
  CHECK_THROWS_AS(bootstrap_confidence(values({1}), mean, {.samples = 0}), std::invalid_argument);
}
