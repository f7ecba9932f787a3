// Some columns of a packed matrix as a packed matrix of their own.
#pragma once

#include <cstdint>
#include <span>

namespace dragoman::kernels {

/// Panels of `width` columns: in each [depth, width] units. out: those of `columns` in their order,
/// a last panel filled up with zeros.
template <class Unit>
void gather_panels(const Unit* panels, std::int64_t depth, std::int64_t width,
                   std::span<const std::int64_t> columns, Unit* out) {
  const auto count = static_cast<std::int64_t>(columns.size());
  for (std::int64_t first = 0; first < count; first += width, out += depth * width)
    for (std::int64_t lane = 0; lane < width; ++lane) {
      if (first + lane >= count) {
        for (std::int64_t step = 0; step < depth; ++step)
          out[step * width + lane] = Unit{};
        continue;
      }
      const std::int64_t column = columns[static_cast<std::size_t>(first + lane)];
      const Unit* from = panels + column / width * width * depth + column % width;
      for (std::int64_t step = 0; step < depth; ++step)
        out[step * width + lane] = from[step * width];
    }
}

}  // namespace dragoman::kernels
