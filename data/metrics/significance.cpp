#include "dragoman/data/metrics/significance.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <stdexcept>
#include <vector>

namespace dragoman {
namespace {

using Row = std::span<const double>;

void check(const Statistics& statistics, const Resampling& resampling) {
  if (statistics.sentences() == 0) throw std::invalid_argument("nothing to resample");
  if (resampling.samples < 1) throw std::invalid_argument("resampling needs at least one sample");
}

void check_pair(const Statistics& baseline, const Statistics& system,
                const Resampling& resampling) {
  check(baseline, resampling);
  if (baseline.width != system.width || baseline.sentences() != system.sentences())
    throw std::invalid_argument("paired systems need statistics of the same sentences");
}

void add(Row row, std::vector<double>& sum) {
  for (std::size_t column = 0; column < sum.size(); ++column)
    sum[column] += row[column];
}

/// Draws sentences with replacement; own arithmetic, because standard distributions differ between
/// libraries.
class SentenceSampler {
 public:
  SentenceSampler(std::int64_t sentences, std::uint64_t seed)
      : sentences_(static_cast<std::uint64_t>(sentences)), generator_(seed) {}

  std::int64_t next() {
    return static_cast<std::int64_t>(((generator_() >> 32) * sentences_) >> 32);
  }

 private:
  std::uint64_t sentences_;
  std::mt19937_64 generator_;
};

ConfidenceInterval interval_of(std::vector<double> scores) {
  std::sort(scores.begin(), scores.end());
  const std::size_t outside = scores.size() / 40;
  ConfidenceInterval result;
  result.mean =
      std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(scores.size());
  result.half_width = 0.5 * (scores[scores.size() - outside - 1] - scores[outside]);
  return result;
}

/// One more success and one more trial keep the test's level right for few trials.
double p_value(std::span<const double> chance_differences, double difference) {
  if (difference == 0.0) return 1.0;
  const auto greater = std::count_if(chance_differences.begin(), chance_differences.end(),
                                     [&](double chance) { return chance > difference; });
  return static_cast<double>(greater + 1) / static_cast<double>(chance_differences.size() + 1);
}

}  // namespace

ConfidenceInterval bootstrap_confidence(const Statistics& statistics, const ScoreFunction& score,
                                        const Resampling& resampling) {
  check(statistics, resampling);
  SentenceSampler sampler(statistics.sentences(), resampling.seed);
  std::vector<double> scores;
  std::vector<double> sum(static_cast<std::size_t>(statistics.width));
  for (std::int64_t sample = 0; sample < resampling.samples; ++sample) {
    std::fill(sum.begin(), sum.end(), 0.0);
    for (std::int64_t draw = 0; draw < statistics.sentences(); ++draw)
      add(statistics.row(sampler.next()), sum);
    scores.push_back(score(sum));
  }
  return interval_of(std::move(scores));
}

PairedBootstrap paired_bootstrap(const Statistics& baseline, const Statistics& system,
                                 const ScoreFunction& score, const Resampling& resampling) {
  check_pair(baseline, system, resampling);
  const double difference = std::abs(score(baseline.sum()) - score(system.sum()));
  SentenceSampler sampler(baseline.sentences(), resampling.seed);
  std::vector<double> baseline_scores;
  std::vector<double> system_scores;
  std::vector<double> differences;
  std::vector<double> baseline_sum(static_cast<std::size_t>(baseline.width));
  std::vector<double> system_sum(baseline_sum.size());
  for (std::int64_t sample = 0; sample < resampling.samples; ++sample) {
    std::fill(baseline_sum.begin(), baseline_sum.end(), 0.0);
    std::fill(system_sum.begin(), system_sum.end(), 0.0);
    for (std::int64_t draw = 0; draw < baseline.sentences(); ++draw) {
      const std::int64_t sentence = sampler.next();
      add(baseline.row(sentence), baseline_sum);
      add(system.row(sentence), system_sum);
    }
    baseline_scores.push_back(score(baseline_sum));
    system_scores.push_back(score(system_sum));
    differences.push_back(std::abs(system_scores.back() - baseline_scores.back()));
  }
  // Centred, they are what chance alone does to the difference.
  const double mean = std::accumulate(differences.begin(), differences.end(), 0.0) /
                      static_cast<double>(differences.size());
  for (double& value : differences)
    value -= mean;
  return {p_value(differences, difference), interval_of(std::move(baseline_scores)),
          interval_of(std::move(system_scores))};
}

double paired_randomization(const Statistics& baseline, const Statistics& system,
                            const ScoreFunction& score, const Resampling& resampling) {
  check_pair(baseline, system, resampling);
  const std::vector<double> baseline_total = baseline.sum();
  const std::vector<double> system_total = system.sum();
  const double difference = std::abs(score(baseline_total) - score(system_total));
  // Exchanging a sentence between the systems moves its row's difference from one sum to the other.
  std::vector<double> exchange(baseline.values.size());
  std::transform(system.values.begin(), system.values.end(), baseline.values.begin(),
                 exchange.begin(), std::minus<>());
  const auto width = static_cast<std::size_t>(baseline.width);
  std::mt19937_64 generator(resampling.seed);
  std::vector<double> differences;
  std::vector<double> moved(width);
  std::vector<double> first(width);
  std::vector<double> second(width);
  for (std::int64_t trial = 0; trial < resampling.samples; ++trial) {
    std::fill(moved.begin(), moved.end(), 0.0);
    std::uint64_t coins = 0;
    for (std::int64_t sentence = 0; sentence < baseline.sentences(); ++sentence) {
      coins = sentence % 64 == 0 ? generator() : coins >> 1;
      if ((coins & 1) == 0) continue;
      add(Row(exchange).subspan(static_cast<std::size_t>(sentence) * width, width), moved);
    }
    for (std::size_t column = 0; column < width; ++column) {
      first[column] = baseline_total[column] + moved[column];
      second[column] = system_total[column] - moved[column];
    }
    differences.push_back(std::abs(score(first) - score(second)));
  }
  return p_value(differences, difference);
}

}  // namespace dragoman
