// Equal but for rounding.
#pragma once

#include "tests/support/catch.h"

namespace dragoman_test {

inline Approx near(double value) {
  return Approx(value).epsilon(0).margin(1e-10);
}

}  // namespace dragoman_test
