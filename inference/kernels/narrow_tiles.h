// Tiles of products with a matrix of fewer bits: what narrow_product.h is made of, for each kind of
// processor.
#pragma once

#include <cstdint>

namespace dragoman {

/// Rows of the largest tile.
inline constexpr std::int64_t kNarrowTileRows = 6;

/// What a kernel multiplies with. All but floats come in groups of four bytes.
enum class LeftSide {
  floats,          ///< as they are
  bfloat16_pairs,  ///< rounded
  int16_pairs,
  byte_quads  ///< unsigned: 128 more than the integers
};

/// How many neighbours of the depth lie together in a panel of the right side.
constexpr std::int64_t group_size(LeftSide left) {
  return left == LeftSide::byte_quads ? 4 : 2;
}

/// One tile of a product, with a panel of the right matrix: its depth in groups, in each group
/// [columns][group size]. For byte quads [columns] int32 stand before them: what the sums start
/// with, so that the 128 too much are gone in the end.
struct NarrowTile {
  const void* left;       ///< rows of floats or of groups
  std::int64_t left_row;  ///< stride from row to row, in floats or groups
  const void* right;      ///< a panel
  std::int64_t groups;
  const float* row_scales;  ///< [rows]; integers only
  const float* scales;      ///< [columns]; integers only
  float* out;
  std::int64_t out_row;
  std::int64_t columns;
  const float* bias;
  bool accumulate;
};

struct NarrowTiles {
  using Function = void (*)(const NarrowTile&);
  LeftSide left;
  Function run[kNarrowTileRows];  ///< for 1, 2, ... rows
};

struct NarrowKernel {
  std::int64_t tile_columns;
  NarrowTiles bfloat16;
  NarrowTiles int8;
};

/// That of kernels::instruction_set().
[[nodiscard]] const NarrowKernel& narrow_kernel();

}  // namespace dragoman
