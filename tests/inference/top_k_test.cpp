#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "dragoman/inference/kernels/top_k.h"
#include "tests/support/catch.h"

namespace {

using dragoman::top_k_rows;
using dragoman::TopKInput;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Result {
  std::vector<std::int64_t> ids;
  std::vector<float> values;
};

Result run(const std::vector<float>& scores, TopKInput input) {
  input.scores = scores.data();
  Result result{std::vector<std::int64_t>(input.rows * input.count, 99),
                std::vector<float>(input.rows * input.count)};
  top_k_rows(input, result.ids.data(), result.values.data());
  return result;
}

/// The same by sorting, in double precision.
Result reference(const std::vector<float>& scores, const TopKInput& input) {
  Result result;
  for (std::int64_t row = 0; row < input.rows; ++row) {
    const float* numbers = scores.data() + row * input.stride;
    double sum = 0.0;
    const double highest = *std::max_element(numbers, numbers + input.columns);
    std::vector<std::int64_t> order;
    for (std::int64_t column = 0; column < input.columns; ++column) {
      sum += std::exp(static_cast<double>(numbers[column]) - highest);
      if (std::ranges::find(input.forbidden, column) == input.forbidden.end())
        order.push_back(column);
    }
    std::ranges::stable_sort(order,
                             [&](auto one, auto other) { return numbers[one] > numbers[other]; });
    for (std::size_t rank = 0; rank < static_cast<std::size_t>(input.count); ++rank) {
      const bool exists = rank < order.size();
      result.ids.push_back(exists ? order[rank] : -1);
      const double shift = input.normalize ? highest + std::log(sum) : 0.0;
      result.values.push_back(exists ? static_cast<float>(numbers[order[rank]] - shift)
                                     : -kInfinity);
    }
  }
  return result;
}

void check_equal(const Result& result, const Result& expected) {
  REQUIRE(result.ids == expected.ids);
  for (std::size_t place = 0; place < expected.values.size(); ++place) {
    if (std::isinf(expected.values[place])) {
      REQUIRE(std::isinf(result.values[place]));
    } else {
      REQUIRE(std::abs(result.values[place] - expected.values[place]) <
              2e-6f * std::max(1.0f, std::abs(expected.values[place])));
    }
  }
}

}  // namespace

TEST_CASE("the best of a row are those that sorting finds, for any size", "[top_k]") {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  for (const std::int64_t columns : {1, 2, 5, 63, 64, 65, 127, 128, 200, 1000, 8000}) {
    for (const std::int64_t count : {1, 2, 5, 9, 60, 70}) {
      for (const bool normalize : {false, true}) {
        const std::vector<std::int64_t> forbidden = {0, columns / 2, columns - 1};
        const TopKInput input{.rows = 3,
                              .columns = columns,
                              .stride = columns + 3,
                              .count = count,
                              .forbidden = forbidden,
                              .normalize = normalize};
        std::vector<float> scores(3 * input.stride);
        for (float& score : scores)
          score = normal(random);
        INFO(columns << " columns, " << count << " wanted");
        check_equal(run(scores, input), reference(scores, input));
      }
    }
  }
}

TEST_CASE("of equal numbers the smaller column comes first", "[top_k]") {
  std::mt19937 random(8);
  for (const std::int64_t columns : {10, 64, 300}) {
    std::vector<float> scores(columns);
    for (float& score : scores)
      score = static_cast<float>(random() % 4);
    const TopKInput input{.rows = 1, .columns = columns, .stride = columns, .count = 9};
    check_equal(run(scores, input), reference(scores, input));
  }
  const Result same =
      run(std::vector<float>(256, 1.5f), {.rows = 1, .columns = 256, .stride = 256, .count = 3});
  CHECK(same.ids == std::vector<std::int64_t>{0, 1, 2});
}

TEST_CASE("forbidden words are never taken though they are by far the best", "[top_k]") {
  std::vector<float> scores(8000, 0.0f);
  const std::vector<std::int64_t> forbidden = {5, 69, 133, 7999};
  for (const std::int64_t column : forbidden)
    scores[column] = 50.0f;
  scores[4000] = 1.0f;
  scores[197] = 2.0f;  // the same lane as three of the forbidden ones
  const TopKInput input{.rows = 1,
                        .columns = 8000,
                        .stride = 8000,
                        .count = 2,
                        .forbidden = forbidden,
                        .normalize = true};
  const Result result = run(scores, input);
  CHECK(result.ids == std::vector<std::int64_t>{197, 4000});
  // log(4 e^50 + ...) = 50 + log 4: forbidden words keep their probability.
  CHECK(std::abs(result.values[0] - (2.0f - 50.0f - std::log(4.0f))) < 1e-4f);
}

TEST_CASE("large, small and infinite logits are normalised", "[top_k]") {
  std::vector<float> scores(100, -1e30f);
  scores[17] = 300.0f;
  scores[3] = -kInfinity;
  const Result result =
      run(scores, {.rows = 1, .columns = 100, .stride = 100, .count = 1, .normalize = true});
  CHECK(result.ids[0] == 17);
  CHECK(result.values[0] == 0.0f);
}

TEST_CASE("NaN among logits is not hidden", "[top_k]") {
  for (const std::int64_t place : {0, 70, 129}) {
    std::vector<float> scores(130, 1.0f);
    scores[place] = std::numeric_limits<float>::quiet_NaN();
    const Result result =
        run(scores, {.rows = 1, .columns = 130, .stride = 130, .count = 1, .normalize = true});
    CHECK(std::isnan(result.values[0]));
  }
}
