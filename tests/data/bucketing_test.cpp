#include "dragoman/data/bucketing.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "dragoman/data/error.h"
#include "tests/support/catch.h"

using Catch::Contains;
using dragoman::BatchLimits;
using dragoman::BatchPlan;
using dragoman::PairLength;
using dragoman::plan_batches;
using dragoman::Random;

namespace {

/// Sentence lengths as in translation: skewed, the target about as long as the source.
std::vector<PairLength> natural_lengths(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  const auto bell = [&random] {  // about normal, deviation 1
    double sum = 0;
    for (int part = 0; part < 12; ++part)
      sum += static_cast<double>(random.next() >> 11) * 0x1p-53;
    return sum - 6.0;
  };
  std::vector<PairLength> lengths;
  for (std::size_t pair = 0; pair < count; ++pair) {
    const double source = std::clamp(std::exp(3.0 + 0.55 * bell()), 1.0, 250.0);
    const double target = std::clamp(source * std::exp(0.2 * bell()), 1.0, 250.0);
    lengths.push_back({static_cast<std::int32_t>(source), static_cast<std::int32_t>(target)});
  }
  return lengths;
}

BatchPlan plan(const std::vector<PairLength>& lengths, const BatchLimits& limits,
               std::uint64_t seed = 1) {
  Random random(seed);
  return plan_batches(lengths, limits, random);
}

bool holds_each_pair_once(const BatchPlan& plan, std::size_t pairs) {
  std::vector<int> seen(pairs, 0);
  for (std::size_t batch = 0; batch < plan.batches.size(); ++batch) {
    if (plan.batch(batch).empty()) return false;
    for (const auto pair : plan.batch(batch))
      ++seen[pair];
  }
  return std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; });
}

struct Size {
  std::int64_t source = 0;  ///< with </s>
  std::int64_t target = 0;
  std::int64_t tokens = 0;
};

Size size_of(const BatchPlan& plan, std::size_t batch, const std::vector<PairLength>& lengths) {
  Size size;
  for (const auto pair : plan.batch(batch)) {
    size.source = std::max<std::int64_t>(size.source, lengths[pair].source + 1);
    size.target = std::max<std::int64_t>(size.target, lengths[pair].target + 1);
    size.tokens += lengths[pair].source + lengths[pair].target + 2;
  }
  return size;
}

}  // namespace

TEST_CASE("each pair is in one batch, and each batch within the limits", "[bucketing]") {
  const auto lengths = natural_lengths(5000, 1);
  for (const std::int64_t tokens : {300, 1000, 4096}) {
    for (const std::int64_t sentences : {7, 10000}) {
      const auto batches = plan(lengths, {.tokens = tokens, .sentences = sentences});
      CHECK(holds_each_pair_once(batches, lengths.size()));
      for (std::size_t batch = 0; batch < batches.batches.size(); ++batch) {
        const auto size = size_of(batches, batch, lengths);
        const auto count = std::ssize(batches.batch(batch));
        CHECK(count <= sentences);
        CHECK((count * std::max(size.source, size.target) <= tokens || count == 1));
      }
    }
  }
}

TEST_CASE("padding stays low and batches are full", "[bucketing]") {
  struct Bound {
    std::int64_t tokens;
    double padding;
    double fill;
  };
  const auto lengths = natural_lengths(30000, 2);
  for (const auto& bound :
       {Bound{1024, 0.025, 0.95}, Bound{4096, 0.06, 0.95}, Bound{16384, 0.13, 0.9}}) {
    const auto batches = plan(lengths, {.tokens = bound.tokens});
    std::int64_t tokens = 0;
    std::int64_t places = 0;
    std::int64_t counted = 0;
    for (std::size_t batch = 0; batch < batches.batches.size(); ++batch) {
      const auto size = size_of(batches, batch, lengths);
      tokens += size.tokens;
      places += std::ssize(batches.batch(batch)) * (size.source + size.target);
      counted += std::ssize(batches.batch(batch)) * std::max(size.source, size.target);
    }
    const double padding = 1.0 - static_cast<double>(tokens) / static_cast<double>(places);
    const double fill = static_cast<double>(counted) /
                        static_cast<double>(bound.tokens * std::ssize(batches.batches));
    CAPTURE(bound.tokens, padding, fill);
    CHECK(padding < bound.padding);
    CHECK(fill > bound.fill);
  }
}

TEST_CASE("a pair longer than the budget makes a batch", "[bucketing]") {
  const auto batches = plan({{5, 5}, {500, 3}, {3, 900}}, {.tokens = 100});
  CHECK(batches.batches.size() == 3);
  CHECK(holds_each_pair_once(batches, 3));
}

TEST_CASE("seeds give other batches, the same seed the same", "[bucketing]") {
  const auto lengths = natural_lengths(1000, 3);
  CHECK(plan(lengths, {.tokens = 500}, 1).order == plan(lengths, {.tokens = 500}, 1).order);
  CHECK(plan(lengths, {.tokens = 500}, 1).order != plan(lengths, {.tokens = 500}, 2).order);
}

TEST_CASE("batches do not come in the order of their lengths", "[bucketing]") {
  const auto lengths = natural_lengths(20000, 4);
  const auto batches = plan(lengths, {.tokens = 1000});
  int ascents = 0;
  for (std::size_t batch = 1; batch < batches.batches.size(); ++batch) {
    ascents +=
        size_of(batches, batch - 1, lengths).source < size_of(batches, batch, lengths).source;
  }
  const double share = ascents / static_cast<double>(batches.batches.size() - 1);
  CHECK(share > 0.4);
  CHECK(share < 0.6);
}
