// Products with matrices of fewer bits against their definitions: those of integers bit by bit, so
// that they are the same with every instruction set.
#include "dragoman/inference/kernels/narrow_product.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "dragoman/inference/kernels/narrow_tiles.h"
#include "tests/support/catch.h"

namespace {

using dragoman::NarrowProduct;
using dragoman::kernels::BFloat16;

/// A product of one size with all that it needs.
struct NarrowCase {
  std::int64_t rows;
  std::int64_t inputs;
  std::int64_t outputs;
  std::vector<float> x;       ///< [rows, inputs]
  std::vector<float> weight;  ///< [outputs, inputs]

  NarrowCase(std::int64_t row_count, std::int64_t input_count, std::int64_t output_count)
      : rows(row_count), inputs(input_count), outputs(output_count) {
    std::mt19937 generator(static_cast<unsigned>(rows * 1000 + inputs + outputs));
    std::normal_distribution<float> normal;
    for (std::int64_t index = 0; index < rows * inputs; ++index)
      x.push_back(normal(generator));
    for (std::int64_t index = 0; index < outputs * inputs; ++index)
      weight.push_back(0.1f * normal(generator));
  }

  [[nodiscard]] const float* row(std::int64_t number) const { return x.data() + number * inputs; }
  [[nodiscard]] const float* column(std::int64_t number) const {
    return weight.data() + number * inputs;
  }
  [[nodiscard]] NarrowProduct product(std::vector<float>& out) const {
    return {x.data(), rows, inputs, outputs, nullptr, false, out.data(), 0, outputs};
  }
  [[nodiscard]] std::vector<std::byte> scratch() const {
    return std::vector<std::byte>(static_cast<std::size_t>(dragoman::narrow_scratch_size(inputs)),
                                  std::byte{0xff});
  }
};

std::vector<NarrowCase> narrow_cases() {
  std::vector<NarrowCase> cases;
  for (const std::int64_t rows : {1, 2, 3, 4, 5, 6, 7, 20})
    for (const auto& [inputs, outputs] : {std::pair<std::int64_t, std::int64_t>{1, 1},
                                          {2, 7},
                                          {3, 8},
                                          {4, 9},
                                          {5, 16},
                                          {63, 17},
                                          {64, 63},
                                          {65, 64},
                                          {66, 65},
                                          {131, 130}})
      cases.emplace_back(rows, inputs, outputs);
  return cases;
}

std::vector<float> int8_product(const NarrowCase& one) {
  std::vector<std::int8_t> packed(
      static_cast<std::size_t>(dragoman::packed_int8_size(one.inputs, one.outputs)), 99);
  std::vector<float> scales(static_cast<std::size_t>(dragoman::packed_columns(one.outputs)));
  dragoman::pack_int8(one.weight.data(), one.inputs, one.outputs, packed.data(), scales.data());
  std::vector<float> out(static_cast<std::size_t>(one.rows * one.outputs), -7.0f);
  std::vector<std::byte> scratch = one.scratch();
  dragoman::multiply_int8(one.product(out), packed.data(), scales.data(), scratch.data());
  return out;
}

/// The greatest magnitude becomes 127.
float int8_scale(const float* values, std::int64_t count, std::vector<std::int64_t>& integers) {
  float largest = 0.0f;
  for (std::int64_t index = 0; index < count; ++index)
    largest = std::max(largest, std::abs(values[index]));
  integers.clear();
  const float inverse = largest > 0.0f ? 127.0f / largest : 0.0f;
  for (std::int64_t index = 0; index < count; ++index)
    integers.push_back(std::lrint(values[index] * inverse));
  return largest / 127.0f;
}

/// Those of a weight, which are divided by the scale.
float int8_weight_scale(const float* values, std::int64_t count,
                        std::vector<std::int64_t>& integers) {
  const float scale = int8_scale(values, count, integers);
  for (std::size_t index = 0; index < integers.size(); ++index)
    integers[index] = scale > 0.0f ? std::lrint(values[index] / scale) : 0;
  return scale;
}

bool is_int8_product(const NarrowCase& one, const std::vector<float>& found) {
  std::vector<std::vector<std::int64_t>> left(static_cast<std::size_t>(one.rows));
  std::vector<float> row_scales;
  for (std::int64_t row = 0; row < one.rows; ++row)
    row_scales.push_back(int8_scale(one.row(row), one.inputs, left[static_cast<std::size_t>(row)]));
  std::vector<std::int64_t> right;
  for (std::int64_t output = 0; output < one.outputs; ++output) {
    const float scale = int8_weight_scale(one.column(output), one.inputs, right);
    for (std::size_t row = 0; row < left.size(); ++row) {
      const std::int64_t sum =
          std::inner_product(right.begin(), right.end(), left[row].begin(), std::int64_t{0});
      const float expected = static_cast<float>(sum) * scale * row_scales[row];
      if (found[row * static_cast<std::size_t>(one.outputs) + static_cast<std::size_t>(output)] !=
          expected)
        return false;
    }
  }
  return true;
}

float as_bfloat16(float value) {
  BFloat16 rounded{};
  dragoman::kernels::store(value, rounded);
  return dragoman::kernels::load(rounded);
}

std::vector<float> bfloat16_product(const NarrowCase& one) {
  const auto bytes =
      static_cast<std::size_t>(dragoman::packed_bfloat16_size(one.inputs, one.outputs));
  std::vector<BFloat16> packed(bytes / sizeof(BFloat16), BFloat16{0x7fc0});
  dragoman::pack_bfloat16(one.weight.data(), one.inputs, one.outputs, packed.data());
  std::vector<float> out(static_cast<std::size_t>(one.rows * one.outputs), -7.0f);
  std::vector<std::byte> scratch = one.scratch();
  dragoman::multiply_bfloat16(one.product(out), packed.data(), scratch.data());
  return out;
}

}  // namespace

TEST_CASE("products of integers are exactly those of the definition", "[narrow]") {
  for (NarrowCase& one : narrow_cases()) {
    CAPTURE(one.rows, one.inputs, one.outputs);
    CHECK(is_int8_product(one, int8_product(one)));
    // An output without weights, a row without numbers, and halves, which are rounded to even.
    std::fill_n(one.weight.begin(), one.inputs, 0.0f);
    std::fill_n(one.x.begin(), one.inputs, 0.0f);
    for (std::size_t index = static_cast<std::size_t>(one.inputs); index < one.x.size(); ++index)
      one.x[index] = static_cast<float>(static_cast<int>(index * 37 % 255) - 127) / 2.0f;
    CHECK(is_int8_product(one, int8_product(one)));
  }
}

TEST_CASE("the greatest sums of integers neither saturate nor overflow", "[narrow]") {
  for (const float sign : {1.0f, -1.0f}) {
    NarrowCase one(2, 65536, 9);
    one.x.assign(one.x.size(), 3.0f);
    one.weight.assign(one.weight.size(), sign * 0.5f);
    CHECK(is_int8_product(one, int8_product(one)));
    one.x.assign(one.x.size(), -3.0f);
    CHECK(is_int8_product(one, int8_product(one)));
  }
}

TEST_CASE("products of bfloat16 differ from exact ones by the rounding of float sums", "[narrow]") {
  const bool rounds_left =
      dragoman::narrow_kernel().bfloat16.left == dragoman::LeftSide::bfloat16_pairs;
  for (const NarrowCase& one : narrow_cases()) {
    CAPTURE(one.rows, one.inputs, one.outputs);
    const std::vector<float> found = bfloat16_product(one);
    double worst = 0.0;
    for (std::int64_t row = 0; row < one.rows; ++row)
      for (std::int64_t output = 0; output < one.outputs; ++output) {
        double sum = 0.0;
        double magnitude = 0.0;
        for (std::int64_t input = 0; input < one.inputs; ++input) {
          const float x = one.row(row)[input];
          const double term = static_cast<double>(rounds_left ? as_bfloat16(x) : x) *
                              static_cast<double>(as_bfloat16(one.column(output)[input]));
          sum += term;
          magnitude += std::abs(term);
        }
        const double bound = static_cast<double>(one.inputs + 2) * 0x1p-24 * magnitude;
        worst = std::max(
            worst,
            std::abs(found[static_cast<std::size_t>(row * one.outputs + output)] - sum) / bound);
      }
    CHECK(worst <= 1.0);
  }
}

TEST_CASE("what is not a number stays none in products of bfloat16", "[narrow]") {
  for (const float broken :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN(),
        std::numeric_limits<float>::infinity()}) {
    NarrowCase one(3, 20, 70);
    one.x[25] = broken;
    const std::vector<float> found = bfloat16_product(one);
    bool right = true;
    for (std::size_t place = 0; place < found.size(); ++place)
      right = right && std::isfinite(found[place]) == (place / 70 != 1);
    CHECK(right);
  }
}
