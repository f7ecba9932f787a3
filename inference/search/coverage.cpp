#include "dragoman/inference/search/coverage.h"

#include <algorithm>
#include <cmath>

namespace dragoman {

double log_coverage(std::span<const float> attended) {
  constexpr double kLeast = 1e-9;
  double sum = 0.0;
  for (const float weight : attended)
    sum += std::log(std::clamp(static_cast<double>(weight), kLeast, 1.0));
  return sum;
}

}  // namespace dragoman
