// The matrix product kernel against plain loops in double precision. Sees nothing of LibTorch.
#include "dragoman/modules/kernels/matrix_product.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace kernels = dragoman::kernels;

namespace {

using Floats = std::vector<float>;
using kernels::MatrixView;

constexpr float kUntouched = 12345.0f;

Floats random_matrix(std::int64_t size, std::uint32_t seed) {
  Floats values(static_cast<std::size_t>(size));
  std::uint32_t state = seed * 2654435761u + 12345u;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) / 8388608.0f - 1.0f;
  }
  return values;
}

float at(const MatrixView& matrix, std::int64_t row, std::int64_t column) {
  return matrix.data[row * matrix.row_stride + column * matrix.column_stride];
}

/// A product of one size and layout, with all that it needs.
struct Case {
  std::int64_t rows = 1;     ///< M
  std::int64_t depth = 1;    ///< K
  std::int64_t columns = 1;  ///< N
  bool is_left_transposed = false;
  bool is_right_transposed = false;
  bool has_bias = false;
  bool accumulates = false;

  [[nodiscard]] std::string text() const {
    return std::to_string(rows) + " x " + std::to_string(depth) + " x " + std::to_string(columns) +
           (is_left_transposed ? " left^T" : "") + (is_right_transposed ? " right^T" : "") +
           (has_bias ? " bias" : "") + (accumulates ? " accumulate" : "");
  }
};

class Problem {
 public:
  explicit Problem(const Case& described)
      : case_(described),
        left_(random_matrix(described.rows * described.depth, 1)),
        right_(random_matrix(described.depth * described.columns, 2)),
        bias_(random_matrix(described.columns, 3)),
        before_(random_matrix(described.rows * described.columns, 4)) {
    left_view_ = described.is_left_transposed
                     ? transposed(kernels::row_major(left_.data(), case_.depth, case_.rows))
                     : kernels::row_major(left_.data(), case_.rows, case_.depth);
    right_view_ = described.is_right_transposed
                      ? transposed(kernels::row_major(right_.data(), case_.columns, case_.depth))
                      : kernels::row_major(right_.data(), case_.depth, case_.columns);
    // What packing does not write must not matter.
    packed_.assign(static_cast<std::size_t>(kernels::packed_size(case_.depth, case_.columns)),
                   std::numeric_limits<float>::quiet_NaN());
    kernels::pack_columns(right_view_, 0, case_.columns, packed_.data());
  }

  /// Packs again, a tile of columns at a time, last tile first.
  void pack_by_tiles() {
    const std::int64_t width = kernels::tile_columns();
    for (std::int64_t begin = (case_.columns - 1) / width * width; begin >= 0; begin -= width)
      kernels::pack_columns(right_view_, begin, std::min(begin + width, case_.columns),
                            packed_.data());
  }

  [[nodiscard]] kernels::Part whole() const { return {0, case_.rows, 0, case_.columns}; }

  /// [M, N]; what is outside `parts` keeps what was there.
  [[nodiscard]] Floats product(const std::vector<kernels::Part>& parts) const {
    Floats out = case_.accumulates ? before_ : Floats(before_.size(), kUntouched);
    Floats scratch(static_cast<std::size_t>(kernels::scratch_size()),
                   std::numeric_limits<float>::quiet_NaN());
    for (const kernels::Part& part : parts)
      kernels::multiply({.left = left_view_,
                         .packed = packed_.data(),
                         .out = out.data(),
                         .columns = case_.columns,
                         .bias = case_.has_bias ? bias_.data() : nullptr,
                         .accumulate = case_.accumulates},
                        part, scratch.data());
    return out;
  }

  /// Only row `row`, as a product of its own.
  [[nodiscard]] Floats row_alone(std::int64_t row) const {
    Floats out(static_cast<std::size_t>(case_.columns));
    if (case_.accumulates)
      std::copy_n(before_.begin() + row * case_.columns, case_.columns, out.begin());
    Floats scratch(static_cast<std::size_t>(kernels::scratch_size()));
    MatrixView left = left_view_;
    left.data += row * left.row_stride;
    left.rows = 1;
    kernels::multiply({.left = left,
                       .packed = packed_.data(),
                       .out = out.data(),
                       .columns = case_.columns,
                       .bias = case_.has_bias ? bias_.data() : nullptr,
                       .accumulate = case_.accumulates},
                      {0, 1, 0, case_.columns}, scratch.data());
    return out;
  }

  /// The greatest |found - exact| over the bound on rounding errors of a sum in any order:
  /// (terms + 2) * 2^-24 * sum of |terms|. At most 1 for a right product.
  [[nodiscard]] double worst_error(const Floats& found) const {
    double worst = 0.0;
    for (std::int64_t row = 0; row < case_.rows; ++row)
      for (std::int64_t column = 0; column < case_.columns; ++column) {
        const auto place = static_cast<std::size_t>(row * case_.columns + column);
        double sum = 0.0;
        double magnitude = 0.0;
        const auto add = [&sum, &magnitude](double term) {
          sum += term;
          magnitude += std::abs(term);
        };
        for (std::int64_t step = 0; step < case_.depth; ++step)
          add(static_cast<double>(at(left_view_, row, step)) *
              static_cast<double>(at(right_view_, step, column)));
        if (case_.has_bias) add(bias_[static_cast<std::size_t>(column)]);
        if (case_.accumulates) add(before_[place]);
        const double bound = static_cast<double>(case_.depth + 2) * 0x1p-24 * magnitude;
        const double error = std::abs(found[place] - sum) / bound;
        worst = error <= worst ? worst : error;  // NaN is the worst
      }
    return worst;
  }

 private:
  Case case_;
  Floats left_;
  Floats right_;
  Floats bias_;
  Floats before_;
  Floats packed_;
  MatrixView left_view_{};
  MatrixView right_view_{};
};

/// Every layout, with and without bias and accumulation.
std::vector<Case> layouts(std::int64_t rows, std::int64_t depth, std::int64_t columns) {
  std::vector<Case> cases;
  for (const bool left : {false, true})
    for (const bool right : {false, true})
      for (const bool bias : {false, true})
        for (const bool accumulates : {false, true})
          cases.push_back({rows, depth, columns, left, right, bias, accumulates});
  return cases;
}

}  // namespace

TEST_CASE("the matrix product kernel is right for small and odd sizes in every layout",
          "[kernels]") {
  for (const std::int64_t rows : {1, 2, 5, 6, 7, 13})
    for (const std::int64_t depth : {1, 3, 8, 17})
      for (const std::int64_t columns : {1, 7, 8, 9, 15, 16, 17, 33, 63, 64, 65, 131})
        for (const Case& one : layouts(rows, depth, columns)) {
          const Problem problem(one);
          INFO(one.text());
          CHECK(problem.worst_error(problem.product({problem.whole()})) <= 1.0);
        }
}

TEST_CASE("the matrix product kernel is right across its blocks of depth and rows", "[kernels]") {
  // Blocks are 384 deep and 96 rows high.
  using Size = std::pair<std::int64_t, std::int64_t>;
  for (const auto& [rows, depth] : {Size{95, 383}, Size{96, 384}, Size{97, 385}, Size{197, 800}})
    for (const Case& one : layouts(rows, depth, 19)) {
      const Problem problem(one);
      INFO(one.text());
      CHECK(problem.worst_error(problem.product({problem.whole()})) <= 1.0);
    }
}

TEST_CASE("the reference of these tests would see a wrong product", "[kernels]") {
  const Problem problem({.rows = 7, .depth = 20, .columns = 9});
  Floats found = problem.product({problem.whole()});
  found[5] += 1e-4f;
  CHECK(problem.worst_error(found) > 1.0);
}

TEST_CASE("parts of a product are its bits, and nothing is written beside a part", "[kernels]") {
  const std::int64_t height = kernels::tile_rows();
  const std::int64_t width = kernels::tile_columns();
  for (const Case& one : layouts(5 * height + 1, 400, 3 * width + 5)) {
    INFO(one.text());
    Problem problem(one);
    const Floats whole = problem.product({problem.whole()});
    const std::int64_t row = 2 * height;
    const std::int64_t column = width;
    CHECK(problem.product({{row, one.rows, column, one.columns},
                           {0, row, column, one.columns},
                           {0, row, 0, column},
                           {row, one.rows, 0, column}}) == whole);
    const kernels::Part part{height, 3 * height, width, 2 * width};
    const Floats partial = problem.product({part});
    const Floats nothing = problem.product({});
    bool right = true;
    for (std::int64_t place = 0; place < one.rows * one.columns; ++place) {
      const std::int64_t at_row = place / one.columns;
      const std::int64_t at_column = place % one.columns;
      const bool is_inside = at_row >= part.row_begin && at_row < part.row_end &&
                             at_column >= part.column_begin && at_column < part.column_end;
      const auto index = static_cast<std::size_t>(place);
      right = right && partial[index] == (is_inside ? whole[index] : nothing[index]);
    }
    CHECK(right);
    problem.pack_by_tiles();
    CHECK(problem.product({problem.whole()}) == whole);
  }
}

TEST_CASE("a row of a product has the same bits whatever rows stand beside it", "[kernels]") {
  for (const Case& one : layouts(103, 500, 70)) {
    INFO(one.text());
    const Problem problem(one);
    const Floats whole = problem.product({problem.whole()});
    for (const std::int64_t row : {0, 5, 6, 95, 96, 102}) {
      const Floats alone = problem.row_alone(row);
      CHECK(std::equal(alone.begin(), alone.end(), whole.begin() + row * one.columns));
    }
  }
}
