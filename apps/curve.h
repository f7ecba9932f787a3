// A figure over the updates of a run, and the same with as many points as a picture can show.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dragoman {

struct Curve {
  std::vector<std::int64_t> steps;  ///< ascending, none twice
  std::vector<double> values;

  /// A step that is there already takes the new value; steps may come in any order.
  void set(std::int64_t step, double value);
  /// Forgets what lies behind `step`.
  void cut(std::int64_t step);
};

/// Neighbouring points as one: the step of the last, the mean of their values, and the extremes.
/// `low` and `high` are empty when nothing was put together.
struct ThinCurve {
  std::vector<std::int64_t> steps;
  std::vector<double> values, low, high;
};

/// At most `points` points. Every extreme of `curve` is in some `low` or `high`.
[[nodiscard]] ThinCurve thin(const Curve& curve, std::size_t points);

}  // namespace dragoman
