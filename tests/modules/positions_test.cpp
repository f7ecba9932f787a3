#include "dragoman/modules/positions.h"

#include <ATen/ATen.h>

#include <cmath>

#include "tests/support/catch.h"
#include "tests/support/close.h"

TEST_CASE("sinusoidal positions follow the formula at any offset", "[positions]") {
  constexpr std::int64_t kDim = 7;
  for (const std::int64_t offset : {0, 3, 100000}) {
    const at::Tensor table = dragoman::sinusoidal_positions({offset, 5}, kDim, at::kCPU);
    REQUIRE(table.sizes() == at::IntArrayRef({5, kDim}));
    for (std::int64_t row = 0; row < 5; ++row)
      for (std::int64_t column = 0; column < kDim; ++column) {
        const double angle = static_cast<double>(offset + row) /
                             std::pow(10000.0, 2.0 * static_cast<double>(column / 2) / kDim);
        const double expected = column % 2 == 0 ? std::sin(angle) : std::cos(angle);
        CHECK(std::abs(table[row][column].item<double>() - expected) < 1e-6);
      }
  }
}
