// Axis letters, the same in the whole tree: B sentences, S source positions, T target positions,
// R rows (B x beam), H heads, D model width, K = D / H, V vocabulary, L layers, N tokens.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace dragoman {

/// Throws c10::Error unless `x` has the given sizes; -1 stands for any size.
inline void check_shape(const at::Tensor& x, std::initializer_list<std::int64_t> sizes,
                        std::string_view name) {
  bool fits = x.defined() && x.dim() == static_cast<std::int64_t>(sizes.size());
  std::int64_t axis = 0;
  for (const std::int64_t size : sizes) {
    fits = fits && (size < 0 || x.size(axis) == size);
    ++axis;
  }
  TORCH_CHECK(fits, name, " has shape ", x.defined() ? x.sizes() : at::IntArrayRef(), ", expected ",
              at::IntArrayRef(sizes), " (-1: any)");
}

}  // namespace dragoman
