// Each kernel against a plain loop in double precision.
#include <cmath>
#include <vector>

#include "dragoman/modules/kernels/dropout.h"
#include "dragoman/modules/kernels/number.h"
#include "dragoman/modules/kernels/softmax_loss.h"
#include "tests/support/catch.h"

namespace kernels = dragoman::kernels;

namespace {

std::vector<float> noise(std::size_t size, float scale) {
  std::vector<float> values(size);
  std::uint32_t state = 12345;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = (static_cast<float>(state >> 8) / 8388608.0f - 1.0f) * scale;
  }
  return values;
}

std::vector<kernels::BFloat16> narrow(const std::vector<float>& values) {
  std::vector<kernels::BFloat16> out(values.size());
  for (std::size_t index = 0; index < values.size(); ++index)
    kernels::store(values[index], out[index]);
  return out;
}

}  // namespace

TEST_CASE("the kernels' exponential is exact to two units in the last place", "[kernels]") {
  for (double x = -87.0; x < 88.0; x += 0.0137) {
    const auto argument = static_cast<float>(x);
    const double expected = std::exp(static_cast<double>(argument));
    CHECK(std::abs(kernels::exponential(argument) / expected - 1.0) < 2.4e-7);
  }
  CHECK(kernels::exponential(0.0f) == 1.0f);
  CHECK(kernels::exponential(-100.0f) == 0.0f);
  CHECK(kernels::exponential(-INFINITY) == 0.0f);
}

TEST_CASE("the kernels' bfloat16 is the nearest", "[kernels]") {
  for (const float value : noise(1000, 1e6f)) {
    kernels::BFloat16 stored{};
    kernels::store(value, stored);
    const float found = kernels::load(stored);
    for (const int step : {-1, 1}) {
      const auto bits = static_cast<std::uint16_t>(static_cast<int>(stored) + step);
      CHECK(std::abs(found - value) <=
            std::abs(kernels::load(static_cast<kernels::BFloat16>(bits)) - value));
    }
  }
  kernels::BFloat16 tie{};
  kernels::store(1.00390625f, tie);  // half way between 1 and 1 + 2^-7: to the even one
  CHECK(kernels::load(tie) == 1.0f);
}

TEST_CASE("the dropout kernel scales what it keeps, whatever the range it is asked for",
          "[kernels]") {
  constexpr std::int64_t kSize = 3 * kernels::kDropoutBlock + 77;
  const std::vector<float> x = noise(kSize, 1.0f);
  const std::vector<float> residual = noise(kSize, 3.0f);
  const kernels::DropoutMask mask = kernels::dropout_mask(0x123456789abcdefu, 0.25);
  std::vector<float> out(kSize);
  kernels::drop(x.data(), out.data(), 0, kSize, mask);
  std::vector<float> pieces(kSize);
  kernels::drop(x.data(), pieces.data(), 0, kernels::kDropoutBlock, mask);
  kernels::drop(x.data(), pieces.data(), kernels::kDropoutBlock, kSize, mask);
  CHECK(out == pieces);
  std::vector<float> sum(kSize);
  kernels::drop_and_add(residual.data(), x.data(), sum.data(), 0, kSize, mask);
  std::int64_t dropped = 0;
  bool right = true;
  for (std::size_t index = 0; index < out.size(); ++index) {
    dropped += out[index] == 0.0f ? 1 : 0;
    right = right && (out[index] == 0.0f || std::abs(out[index] - x[index] / 0.75f) < 1e-6f) &&
            std::abs(sum[index] - (residual[index] + out[index])) < 1e-6f;
  }
  CHECK(right);
  CHECK(std::abs(static_cast<double>(dropped) / kSize - 0.25) < 0.02);
}

namespace {

struct Expected {
  std::vector<double> gradient;
  double loss = 0.0;
  double nll = 0.0;
  bool correct = true;
};

/// The definition, row by row.
Expected plain_loss(const std::vector<double>& logits, std::size_t target, double smoothing) {
  Expected expected;
  double sum = 0.0;
  for (const double logit : logits)
    sum += std::exp(logit);
  expected.nll = std::log(sum) - logits[target];
  double mean = 0.0;
  for (std::size_t word = 0; word < logits.size(); ++word) {
    const double share = smoothing / static_cast<double>(logits.size());
    mean += (std::log(sum) - logits[word]) / static_cast<double>(logits.size());
    expected.gradient.push_back(std::exp(logits[word]) / sum - share -
                                (word == target ? 1.0 - smoothing : 0.0));
    expected.correct = expected.correct && logits[word] <= logits[target];
  }
  expected.loss = (1.0 - smoothing) * expected.nll + smoothing * mean;
  return expected;
}

template <class Number>
void compare_loss(std::vector<Number> logits, bool with_bias, double tolerance) {
  constexpr std::int64_t kRows = 5;
  const auto vocabulary = static_cast<std::int64_t>(logits.size()) / kRows;
  const std::vector<float> bias = noise(static_cast<std::size_t>(vocabulary), 1.0f);
  const std::vector<std::int64_t> targets{0, vocabulary - 1, 1, 7, 3};
  const std::vector<Number> before = logits;
  std::vector<float> bias_gradient(static_cast<std::size_t>(vocabulary));
  std::vector<kernels::SoftmaxLossRow> results(kRows);
  kernels::softmax_loss(kernels::SoftmaxLossRows<Number>{.logits = logits.data(),
                                                         .bias = with_bias ? bias.data() : nullptr,
                                                         .targets = targets.data(),
                                                         .rows = kRows,
                                                         .vocabulary = vocabulary,
                                                         .smoothing = 0.1f,
                                                         .want_gradient = true,
                                                         .bias_gradient = bias_gradient.data(),
                                                         .results = results.data()});
  std::vector<double> sums(static_cast<std::size_t>(vocabulary));
  double greatest_error = 0.0;
  for (std::size_t row = 0; row < kRows; ++row) {
    std::vector<double> values;
    for (std::size_t word = 0; word < sums.size(); ++word) {
      const float logit = kernels::load(before[row * sums.size() + word]);
      values.push_back(static_cast<double>(logit) +
                       (with_bias ? static_cast<double>(bias[word]) : 0.0));
    }
    const Expected expected = plain_loss(values, static_cast<std::size_t>(targets[row]), 0.1);
    CHECK(std::abs(results[row].loss - expected.loss) < tolerance * 10);
    CHECK(std::abs(results[row].nll - expected.nll) < tolerance * 10);
    CHECK(results[row].correct == expected.correct);
    for (std::size_t word = 0; word < sums.size(); ++word) {
      sums[word] += expected.gradient[word];
      greatest_error =
          std::max(greatest_error,
                   std::abs(static_cast<double>(kernels::load(logits[row * sums.size() + word])) -
                            expected.gradient[word]));
    }
  }
  CHECK(greatest_error < tolerance);
  for (std::size_t word = 0; word < sums.size(); ++word)
    CHECK(std::abs(bias_gradient[word] - sums[word]) < kRows * tolerance);
}

}  // namespace

TEST_CASE("the softmax loss kernel follows its definition", "[kernels]") {
  for (const std::size_t vocabulary : {9u, 64u, 1003u}) {
    compare_loss(noise(5 * vocabulary, 8.0f), true, 1e-6);
    compare_loss(noise(5 * vocabulary, 8.0f), false, 1e-6);
    compare_loss(narrow(noise(5 * vocabulary, 2.0f)), false, 4e-3);
  }
}
