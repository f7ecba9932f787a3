// Tiles of products with a matrix of fewer bits: what narrow_product.h is made of, for each kind of
// processor.
#pragma once

#include <cstdint>

namespace dragoman {

/// Rows of the largest tile.
inline constexpr std::int64_t kNarrowTileRows = 6;

/// One tile of a product, with a panel of the right matrix: its depth in pairs, in each pair
/// [columns][2].
struct NarrowTile {
  const void* left;       ///< rows of float, or of int16 pairs
  std::int64_t left_row;  ///< stride from row to row
  const void* right;      ///< a panel
  std::int64_t pairs;
  const float* row_scales;  ///< [rows]; integers only
  const float* scales;      ///< [columns]; integers only
  float* out;
  std::int64_t out_row;
  std::int64_t columns;
  const float* bias;
  bool accumulate;
};

struct NarrowKernel {
  using Function = void (*)(const NarrowTile&);
  std::int64_t tile_columns;
  Function bfloat16[kNarrowTileRows];  ///< for 1, 2, ... rows
  Function int8[kNarrowTileRows];
};

/// This processor's.
[[nodiscard]] const NarrowKernel& narrow_kernel();

}  // namespace dragoman
