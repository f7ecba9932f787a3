// The kernels of the CPU engine against plain loops in double precision, and matrices in fewer bits
// against what their rounding allows. Sees nothing of LibTorch.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "dragoman/inference/engine/packed_matrix.h"
#include "dragoman/inference/engine/workspace.h"
#include "dragoman/inference/kernels/attention.h"
#include "dragoman/inference/kernels/copy_mixture.h"
#include "dragoman/inference/kernels/rows.h"
#include "tests/support/catch.h"

namespace {

using dragoman::engine::Epilogue;
using dragoman::engine::PackedMatrix;
using dragoman::engine::Scratch;
using dragoman::engine::WeightType;
using Floats = std::vector<float>;

Floats random_floats(std::int64_t count, unsigned seed, float scale = 1.0f) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0f, scale);
  Floats values(static_cast<std::size_t>(count));
  for (float& value : values)
    value = normal(generator);
  return values;
}

/// x [rows, inputs] W^T + what was there.
std::vector<double> plain_product(const Floats& x, const Floats& weight, std::int64_t rows,
                                  std::int64_t inputs, std::int64_t outputs) {
  std::vector<double> result(static_cast<std::size_t>(rows * outputs));
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t output = 0; output < outputs; ++output)
      for (std::int64_t input = 0; input < inputs; ++input)
        result[static_cast<std::size_t>(row * outputs + output)] +=
            static_cast<double>(x[static_cast<std::size_t>(row * inputs + input)]) *
            static_cast<double>(weight[static_cast<std::size_t>(output * inputs + input)]);
  return result;
}

/// Root mean square of the difference, in units of what the numbers are expected to be.
double relative_error(const Floats& found, const std::vector<double>& expected, double unit) {
  double difference = 0.0;
  for (std::size_t index = 0; index < found.size(); ++index)
    difference += std::pow(found[index] - expected[index], 2);
  return std::sqrt(difference / static_cast<double>(found.size())) / unit;
}

}  // namespace

TEST_CASE("packed matrices multiply, in every type and at every edge of the tiles", "[engine]") {
  Scratch scratch;
  for (const auto& [type, allowed] :
       {std::pair{WeightType::fp32, 1e-6}, std::pair{WeightType::bf16, 4e-3},
        std::pair{WeightType::int8, 1.2e-2}})
    for (const std::int64_t rows : {1, 2, 5, 6, 7, 47, 48, 49, 100})
      for (const auto& [inputs, outputs] : {std::pair<std::int64_t, std::int64_t>{64, 1},
                                            {2, 15},
                                            {128, 16},
                                            {130, 17},
                                            {256, 63},
                                            {34, 64},
                                            {512, 65},
                                            {400, 150}}) {
        CAPTURE(static_cast<int>(type), rows, inputs, outputs);
        const Floats x = random_floats(rows * inputs, 1);
        const Floats weight = random_floats(inputs * outputs, 2, 0.1f);
        const Floats bias = random_floats(outputs, 3);
        const PackedMatrix matrix(weight.data(), outputs, inputs, type);
        REQUIRE(matrix.type() == type);
        std::vector<double> expected = plain_product(x, weight, rows, inputs, outputs);
        Floats found(static_cast<std::size_t>(rows * outputs), -7.0f);
        matrix.multiply(x.data(), rows, {}, found.data(), scratch);
        const double unit = 0.1 * std::sqrt(static_cast<double>(inputs));
        CHECK(relative_error(found, expected, unit) < allowed * (outputs == 1 ? 3.0 : 1.0));

        // With a bias, added to what is there; then with an activation.
        Floats sum = random_floats(rows * outputs, 4);
        Floats active(found.size());
        std::vector<double> expected_sum(found.size());
        for (std::size_t index = 0; index < found.size(); ++index)
          expected_sum[index] =
              static_cast<double>(found[index]) + bias[index % static_cast<std::size_t>(outputs)];
        matrix.multiply(x.data(), rows, {bias.data(), dragoman::engine::Activation::relu, false},
                        active.data(), scratch);
        double largest = 0.0;
        for (std::size_t index = 0; index < found.size(); ++index)
          largest = std::max(largest, std::abs(active[index] - std::max(expected_sum[index], 0.0)));
        CHECK(largest < 1e-4);
        const Floats before = sum;
        matrix.multiply(x.data(), rows, {bias.data(), dragoman::engine::Activation::none, true},
                        sum.data(), scratch);
        largest = 0.0;
        for (std::size_t index = 0; index < found.size(); ++index)
          largest = std::max(largest, std::abs(sum[index] - (expected_sum[index] + before[index])));
        CHECK(largest < 1e-4);
      }
}

TEST_CASE("a row's product does not depend on the rows beside it", "[engine]") {
  Scratch scratch;
  const std::int64_t inputs = 200;
  const std::int64_t outputs = 90;
  const Floats x = random_floats(100 * inputs, 5);
  const Floats weight = random_floats(inputs * outputs, 6);
  for (const WeightType type : {WeightType::fp32, WeightType::bf16, WeightType::int8}) {
    const PackedMatrix matrix(weight.data(), outputs, inputs, type);
    Floats together(100 * static_cast<std::size_t>(outputs));
    matrix.multiply(x.data(), 100, {}, together.data(), scratch);
    for (const std::int64_t row : {0, 5, 47, 48, 98, 99}) {
      Floats alone(static_cast<std::size_t>(outputs));
      matrix.multiply(x.data() + row * inputs, 1, {}, alone.data(), scratch);
      CHECK(std::equal(alone.begin(), alone.end(), together.begin() + row * outputs));
    }
  }
}

TEST_CASE("selected outputs are those of the whole matrix, bit by bit", "[engine]") {
  for (const auto type : {WeightType::fp32, WeightType::bf16, WeightType::int8})
    for (const std::int64_t inputs : {2, 64, 500, 800})
      for (const std::int64_t stride : {1, 3, 17}) {
        const std::int64_t outputs = 333;
        const std::vector<float> weight = random_floats(outputs * inputs, 1);
        const std::vector<float> x = random_floats(7 * inputs, 2);
        const PackedMatrix matrix(weight.data(), outputs, inputs, type);
        std::vector<std::int64_t> chosen;
        for (std::int64_t output = 2; output < outputs; output += stride)
          chosen.push_back(output);
        const PackedMatrix selected = matrix.select(chosen);
        const std::int64_t count = std::ssize(chosen);
        std::vector<float> whole(static_cast<std::size_t>(7 * outputs));
        std::vector<float> some(static_cast<std::size_t>(7 * count));
        Scratch scratch;
        matrix.multiply(x.data(), 7, {}, whole.data(), scratch);
        selected.multiply(x.data(), 7, {}, some.data(), scratch);
        bool same = selected.outputs() == count && selected.type() == matrix.type();
        for (std::int64_t row = 0; row < 7; ++row)
          for (std::int64_t column = 0; column < count; ++column)
            same = same && some[static_cast<std::size_t>(row * count + column)] ==
                               whole[static_cast<std::size_t>(
                                   row * outputs + chosen[static_cast<std::size_t>(column)])];
        CAPTURE(inputs, stride);
        CHECK(same);
      }
}

TEST_CASE("integers saturate nowhere, and zero rows stay zero", "[engine]") {
  Scratch scratch;
  const std::int64_t inputs = 4096;
  const std::int64_t outputs = 20;
  // The largest sums there can be: every product is the greatest one.
  Floats x(static_cast<std::size_t>(2 * inputs), 3.0f);
  std::fill(x.begin() + inputs, x.end(), 0.0f);
  const Floats weight(static_cast<std::size_t>(inputs * outputs), -0.5f);
  const PackedMatrix matrix(weight.data(), outputs, inputs, WeightType::int8);
  Floats found(2 * static_cast<std::size_t>(outputs));
  matrix.multiply(x.data(), 2, {}, found.data(), scratch);
  for (std::int64_t output = 0; output < outputs; ++output) {
    CHECK(found[static_cast<std::size_t>(output)] == Approx(-1.5 * inputs).epsilon(1e-4));
    CHECK(found[static_cast<std::size_t>(outputs + output)] == 0.0f);
  }
}

TEST_CASE("matrices that fewer bits cannot hold stay float", "[engine]") {
  Floats weight = random_floats(12, 1);
  CHECK(PackedMatrix(weight.data(), 4, 3, WeightType::int8).type() == WeightType::fp32);
  weight[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK(PackedMatrix(weight.data(), 6, 2, WeightType::bf16).type() == WeightType::fp32);
  CHECK(PackedMatrix(weight.data(), 2, 6, WeightType::int8).type() == WeightType::fp32);
}

TEST_CASE("attention to rows anywhere equals the formula", "[engine]") {
  for (const auto& [heads, head_dim] :
       {std::pair<std::int64_t, std::int64_t>{1, 64}, {4, 32}, {3, 5}, {2, 17}, {8, 8}, {1, 130}})
    for (const std::int64_t count : {1, 2, 4, 5, 16, 17, 70}) {
      CAPTURE(heads, head_dim, count);
      const std::int64_t dim = heads * head_dim;
      const Floats query = random_floats(dim, 1);
      const Floats memory = random_floats(count * 2 * dim, 2);
      std::vector<const float*> keys;
      for (std::int64_t key = 0; key < count; ++key)  // in reverse: they lie anywhere
        keys.push_back(memory.data() + (count - 1 - key) * 2 * dim);
      Floats out(static_cast<std::size_t>(dim));
      Floats scores(static_cast<std::size_t>(count));
      Floats scratch(static_cast<std::size_t>(dragoman::attention_scratch(count)));
      dragoman::attend({.query = query.data(),
                        .keys = keys.data(),
                        .value_offset = dim,
                        .count = count,
                        .heads = heads,
                        .head_dim = head_dim,
                        .scale = 0.3f,
                        .out = out.data(),
                        .scores = scores.data(),
                        .score_head = heads - 1},
                       scratch.data());
      for (std::int64_t head = 0; head < heads; ++head) {
        std::vector<double> weights;
        double sum = 0.0;
        for (std::int64_t key = 0; key < count; ++key) {
          double score = 0.0;
          for (std::int64_t place = head * head_dim; place < (head + 1) * head_dim; ++place)
            score += static_cast<double>(query[static_cast<std::size_t>(place)]) *
                     keys[static_cast<std::size_t>(key)][place];
          if (head == heads - 1)
            CHECK(scores[static_cast<std::size_t>(key)] == Approx(0.3 * score).margin(1e-4));
          weights.push_back(std::exp(0.3 * score));
          sum += weights.back();
        }
        double largest = 0.0;
        for (std::int64_t place = head * head_dim; place < (head + 1) * head_dim; ++place) {
          double expected = 0.0;
          for (std::int64_t key = 0; key < count; ++key)
            expected += weights[static_cast<std::size_t>(key)] / sum *
                        keys[static_cast<std::size_t>(key)][dim + place];
          largest = std::max(largest, std::abs(expected - out[static_cast<std::size_t>(place)]));
        }
        CHECK(largest < 2e-5);
      }
    }
}

TEST_CASE("rows are normalised, activated and summed as the formulas say", "[engine]") {
  for (const std::int64_t dim : {1, 31, 32, 33, 256, 300}) {
    const Floats x = random_floats(3 * dim, 1, 4.0f);
    const Floats weight = random_floats(dim, 2);
    const Floats bias = random_floats(dim, 3);
    Floats out(x.size());
    dragoman::layer_norm_rows({x.data(), 3, dim, weight.data(), bias.data(), 1e-5f, out.data()});
    Floats logs = x;
    for (std::int64_t row = 0; row < 3; ++row) {
      const float* values = x.data() + row * dim;
      double mean = 0.0;
      double variance = 0.0;
      double sum = 0.0;
      for (std::int64_t column = 0; column < dim; ++column)
        mean += values[column] / static_cast<double>(dim);
      for (std::int64_t column = 0; column < dim; ++column) {
        variance += std::pow(values[column] - mean, 2) / static_cast<double>(dim);
        sum += std::exp(static_cast<double>(values[column]));
      }
      CHECK(dragoman::log_sum_exp(values, dim) == Approx(std::log(sum)).margin(1e-5));
      dragoman::log_softmax(logs.data() + row * dim, dim);
      double largest = 0.0;
      for (std::int64_t column = 0; column < dim; ++column) {
        const auto place = static_cast<std::size_t>(row * dim + column);
        const auto number = static_cast<std::size_t>(column);
        largest = std::max(
            largest, std::abs(out[place] - ((values[column] - mean) / std::sqrt(variance + 1e-5) *
                                                weight[number] +
                                            bias[number])));
        largest = std::max(largest, std::abs(logs[place] - (values[column] - std::log(sum))));
      }
      CHECK(largest < 2e-5);
    }
  }
  const Floats x = {-90.0f, -3.0f, -0.5f, 0.0f, 0.25f, 2.0f, 50.0f};
  Floats relu = x;
  Floats gelu = x;
  Floats silu = x;
  dragoman::relu_in_place(relu.data(), std::ssize(relu));
  dragoman::gelu_in_place(gelu.data(), std::ssize(gelu));
  dragoman::silu_in_place(silu.data(), std::ssize(silu));
  for (std::size_t place = 0; place < x.size(); ++place) {
    const double value = x[place];
    CHECK(relu[place] == std::max(x[place], 0.0f));
    CHECK(gelu[place] ==
          Approx(value * 0.5 * (1.0 + std::erf(value / std::sqrt(2.0)))).margin(1e-6));
    CHECK(silu[place] == Approx(value / (1.0 + std::exp(-value))).margin(1e-6));
  }
}

TEST_CASE("a mixture's words, one by one and all together, agree", "[engine]") {
  const Floats logits = random_floats(40, 1, 2.0f);
  const Floats weights = {std::log(0.2f), std::log(0.1f), std::log(0.3f), std::log(0.4f)};
  const std::vector<std::int64_t> words = {7, 41, 7, -2};
  const std::vector<std::int32_t> first = {0, 1, 0, 3};
  const dragoman::CopyRow row{.logits = logits.data(),
                              .vocabulary = 40,
                              .log_sum = dragoman::log_sum_exp(logits.data(), 40),
                              .log_generate = std::log(0.7f),
                              .log_copy = std::log(0.3f),
                              .log_weights = weights,
                              .words = words,
                              .first = first,
                              .forbidden = {}};
  Floats all(42, -std::numeric_limits<float>::infinity());
  Floats mass(4);
  dragoman::whole_mixture(row, all, mass);
  double total = 0.0;
  for (std::int64_t word = 0; word < 42; ++word) {
    const dragoman::MixedWord one = dragoman::mixed_word(row, word);
    const float both = all[static_cast<std::size_t>(word)];
    if (word == 40) {
      CHECK(std::isinf(one.log_prob));
      CHECK(std::isinf(both));
    } else {
      CHECK(one.log_prob == Approx(both).margin(1e-5));
    }
    CHECK(one.position == (word == 7 ? 2 : word == 41 ? 1 : -1));
    total += std::exp(both);
  }
  CHECK(total == Approx(0.7 + 0.3 * 0.6).margin(1e-5));  // padding yields nothing
  CHECK(dragoman::mixed_word(row, 41).copied == 1.0f);
  CHECK(dragoman::mixed_word(row, 41).log_prob == Approx(std::log(0.03)).margin(1e-5));
}

TEST_CASE("an arena hands out memory that stays, and uses it again", "[engine]") {
  dragoman::engine::Arena arena;
  float* small = arena.floats(10);
  small[9] = 4.0f;
  float* large = arena.floats(3 << 20);
  large[(3 << 20) - 1] = 5.0f;
  float* next = arena.floats(100);
  next[99] = 6.0f;
  CHECK(small[9] == 4.0f);
  CHECK(large[(3 << 20) - 1] == 5.0f);
  arena.clear();
  CHECK(arena.floats(10) == small);
}
