#include "dragoman/inference/search/coverage.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace dragoman {

double log_coverage(std::span<const float> attended) {
  constexpr double kLeast = 1e-9;
  double sum = 0.0;
  for (const float weight : attended)
    sum += std::log(std::clamp(static_cast<double>(weight), kLeast, 1.0));
  return sum;
}

std::vector<float> attended_after(std::span<const float> before, std::span<const float> weights) {
  std::vector<float> sums(weights.begin(), weights.end());
  if (!before.empty()) std::ranges::transform(sums, before, sums.begin(), std::plus());
  return sums;
}

}  // namespace dragoman
