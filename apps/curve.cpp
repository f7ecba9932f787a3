#include "apps/curve.h"

#include <algorithm>

namespace dragoman {

void Curve::set(std::int64_t step, double value) {
  const auto place = std::ranges::lower_bound(steps, step);
  const auto index = place - steps.begin();
  if (place != steps.end() && *place == step) {
    values[static_cast<std::size_t>(index)] = value;
    return;
  }
  steps.insert(place, step);
  values.insert(values.begin() + index, value);
}

void Curve::cut(std::int64_t step) {
  const auto kept = std::ranges::upper_bound(steps, step) - steps.begin();
  steps.resize(static_cast<std::size_t>(kept));
  values.resize(static_cast<std::size_t>(kept));
}

ThinCurve thin(const Curve& curve, std::size_t points) {
  const std::size_t size = curve.steps.size();
  ThinCurve result;
  if (size <= points) {
    result.steps = curve.steps;
    result.values = curve.values;
    return result;
  }
  for (std::size_t point = 0; point < points; ++point) {
    const std::size_t begin = point * size / points;
    const std::size_t end = (point + 1) * size / points;
    double sum = 0.0;
    double low = curve.values[begin];
    double high = low;
    for (std::size_t index = begin; index < end; ++index) {
      sum += curve.values[index];
      low = std::min(low, curve.values[index]);
      high = std::max(high, curve.values[index]);
    }
    result.steps.push_back(curve.steps[end - 1]);
    result.values.push_back(sum / static_cast<double>(end - begin));
    result.low.push_back(low);
    result.high.push_back(high);
  }
  return result;
}

}  // namespace dragoman
