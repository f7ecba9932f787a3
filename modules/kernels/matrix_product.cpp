#include "dragoman/modules/kernels/matrix_product.h"

#include <cstring>

#include "dragoman/modules/kernels/gather_panels.h"
#include "dragoman/modules/kernels/instruction_set.h"

namespace dragoman::kernels {
namespace {

constexpr std::int64_t kTileRows = 6;
/// So deep is a panel of the right matrix that it stays in the first-level cache.
constexpr std::int64_t kDepth = 384;
/// So many rows of the left matrix are packed together that they stay in the second-level cache.
constexpr std::int64_t kPackedRows = 16 * kTileRows;

struct Tile {
  const float* left;
  std::int64_t left_row;  ///< stride from row to row
  const float* right;     ///< [depth, columns of a tile]
  std::int64_t depth;
  float* out;
  std::int64_t out_row;  ///< stride from row to row
  std::int64_t rows;     ///< of the tile that exist
  std::int64_t columns;
  const float* bias;
  bool accumulate;
};

/// to += the numbers at `from`. (No function returns a vector: how would depend on the target.)
template <class Vector>
[[gnu::always_inline]] inline void add_from(const float* from, Vector& to) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  to += vector;
}

/// sums += left * right over the depth. The compiler unrolls all but the outermost loop, and keeps
/// `sums` in registers.
template <class Vector, int kVectors, int kRows, bool kUnitDepth>
[[gnu::always_inline]] inline void sum_products(const Tile& tile, Vector (&sums)[kRows][kVectors]) {
  constexpr int kLanes = sizeof(Vector) / sizeof(float);
  const float* rows[kRows];
#pragma GCC unroll 8
  for (int row = 0; row < kRows; ++row)
    rows[row] = tile.left + row * tile.left_row;
  const float* right = tile.right;
#pragma GCC unroll 4
  for (std::int64_t depth = 0; depth < tile.depth; ++depth) {
    Vector columns[kVectors];
#pragma GCC unroll 4
    for (int vector = 0; vector < kVectors; ++vector)
      std::memcpy(&columns[vector], right + vector * kLanes, sizeof(Vector));
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 4
      for (int vector = 0; vector < kVectors; ++vector)
        sums[row][vector] += rows[row][kUnitDepth ? depth : depth * kTileRows] * columns[vector];
    right += kVectors * kLanes;
  }
}

/// kRows: of the tile that are computed; a packed tile has kTileRows, some of them zero.
template <class Vector, int kVectors, int kRows, bool kUnitDepth>
[[gnu::always_inline]] inline void multiply_tile(const Tile& tile) {
  constexpr int kLanes = sizeof(Vector) / sizeof(float);
  constexpr std::int64_t kColumns = kVectors * kLanes;
  Vector sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 4
    for (int vector = 0; vector < kVectors; ++vector)
      sums[row][vector] = Vector{};
  for (std::int64_t row = 0; row < tile.rows; ++row)
    __builtin_prefetch(tile.out + row * tile.out_row, 1);
  sum_products<Vector, kVectors, kRows, kUnitDepth>(tile, sums);

  if (tile.rows == kRows && tile.columns == kColumns) {
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 4
      for (int vector = 0; vector < kVectors; ++vector) {
        float* out = tile.out + row * tile.out_row + vector * kLanes;
        Vector sum = sums[row][vector];
        if (tile.bias != nullptr) add_from(tile.bias + vector * kLanes, sum);
        if (tile.accumulate) add_from(out, sum);
        std::memcpy(out, &sum, sizeof sum);
      }
    return;
  }
  float whole[kRows * kColumns];
  std::memcpy(whole, sums, sizeof whole);
  for (std::int64_t row = 0; row < tile.rows; ++row)
    for (std::int64_t column = 0; column < tile.columns; ++column) {
      float sum = whole[row * kColumns + column];
      if (tile.bias != nullptr) sum += tile.bias[column];
      float& out = tile.out[row * tile.out_row + column];
      out = tile.accumulate ? sum + out : sum;
    }
}

using F4 = float __attribute__((vector_size(16)));
using F8 = float __attribute__((vector_size(32)));
using F16 = float __attribute__((vector_size(64)));

using TileFunction = void (*)(const Tile&);

struct Kernel {
  std::int64_t tile_columns;
  TileFunction direct[kTileRows];  ///< left matrix as it lies, its depth contiguous; 1, 2, ... rows
  TileFunction packed;             ///< left matrix packed, tile rows contiguous
};

template <int kRows>
void direct_portable(const Tile& tile) {
  multiply_tile<F4, 2, kRows, true>(tile);
}
void packed_portable(const Tile& tile) {
  multiply_tile<F4, 2, kTileRows, false>(tile);
}
constexpr Kernel kPortable{8,
                           {direct_portable<1>, direct_portable<2>, direct_portable<3>,
                            direct_portable<4>, direct_portable<5>, direct_portable<6>},
                           packed_portable};

#if defined(__x86_64__) && defined(__GNUC__)
template <int kRows>
[[gnu::target("arch=x86-64-v3")]] void direct_v3(const Tile& tile) {
  multiply_tile<F8, 2, kRows, true>(tile);
}
[[gnu::target("arch=x86-64-v3")]] void packed_v3(const Tile& tile) {
  multiply_tile<F8, 2, kTileRows, false>(tile);
}
template <int kRows>
[[gnu::target("arch=x86-64-v4")]] void direct_v4(const Tile& tile) {
  multiply_tile<F16, 4, kRows, true>(tile);
}
[[gnu::target("arch=x86-64-v4")]] void packed_v4(const Tile& tile) {
  multiply_tile<F16, 4, kTileRows, false>(tile);
}
constexpr Kernel kV3{
    16,
    {direct_v3<1>, direct_v3<2>, direct_v3<3>, direct_v3<4>, direct_v3<5>, direct_v3<6>},
    packed_v3};
constexpr Kernel kV4{
    64,
    {direct_v4<1>, direct_v4<2>, direct_v4<3>, direct_v4<4>, direct_v4<5>, direct_v4<6>},
    packed_v4};

const Kernel& choose_kernel() {
  if (instruction_set() >= InstructionSet::x86_64_v4) return kV4;
  return instruction_set() >= InstructionSet::x86_64_v3 ? kV3 : kPortable;
}
#else
const Kernel& choose_kernel() {
  return kPortable;
}
#endif

const Kernel& kernel() {
  static const Kernel& chosen = choose_kernel();
  return chosen;
}

std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}
std::int64_t least(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

/// Rows [row_begin, row_end) of the left matrix, at depths [begin, begin + depth), in tiles of
/// [depth, kTileRows]. The rows are contiguous in memory.
void pack_rows(const MatrixView& left, std::int64_t row_begin, std::int64_t row_end,
               std::int64_t begin, std::int64_t depth, float* out) {
  const std::int64_t whole_rows = (row_end - row_begin) / kTileRows * kTileRows;
  const std::int64_t rest = row_end - row_begin - whole_rows;
  for (std::int64_t step = 0; step < depth; ++step) {
    const float* from = left.data + row_begin + (begin + step) * left.column_stride;
    float* to = out + step * kTileRows;
    if (step + 8 < depth)
      for (std::int64_t row = 0; row < whole_rows; row += 16)
        __builtin_prefetch(from + 8 * left.column_stride + row);
    for (std::int64_t row = 0; row < whole_rows; row += kTileRows, to += depth * kTileRows)
      std::memcpy(to, from + row, kTileRows * sizeof(float));
    for (std::int64_t row = 0; row < rest; ++row)
      to[row] = from[whole_rows + row];
    for (std::int64_t row = rest; rest > 0 && row < kTileRows; ++row)
      to[row] = 0.0f;
  }
}

/// A block of the right matrix whose columns are contiguous, in tiles of [rows, width].
void pack_contiguous(const MatrixView& block, std::int64_t width, float* out) {
  const std::int64_t whole = block.columns / width * width;
  const std::int64_t rest = block.columns - whole;
  for (std::int64_t row = 0; row < block.rows; ++row) {
    const float* from = block.data + row * block.row_stride;
    float* to = out + row * width;
    for (std::int64_t column = 0; column < whole; column += width, to += block.rows * width)
      std::memcpy(to, from + column, static_cast<std::size_t>(width) * sizeof(float));
    if (rest == 0) continue;
    for (std::int64_t column = 0; column < width; ++column)
      to[column] = column < rest ? from[whole + column] : 0.0f;
  }
}

/// The same when its rows are contiguous.
void pack_transposed(const MatrixView& block, std::int64_t width, float* out) {
  for (std::int64_t first = 0; first < block.columns; first += width, out += block.rows * width)
    for (std::int64_t column = 0; column < width; ++column) {
      const float* from = block.data + (first + column) * block.column_stride;
      const bool exists = first + column < block.columns;
      for (std::int64_t row = 0; row < block.rows; ++row)
        out[row * width + column] = exists ? from[row] : 0.0f;
    }
}

}  // namespace

std::int64_t tile_rows() {
  return kTileRows;
}
std::int64_t tile_columns() {
  return kernel().tile_columns;
}
std::int64_t scratch_size() {
  return kPackedRows * kDepth;
}

std::int64_t packed_size(std::int64_t depth, std::int64_t columns) {
  return depth * round_up(columns, tile_columns());
}

// Packed layout: blocks of kDepth; in them tiles of columns; in them [depth, tile columns].
void pack_columns(const MatrixView& matrix, std::int64_t begin, std::int64_t end, float* packed) {
  const std::int64_t width = tile_columns();
  const std::int64_t all_columns = round_up(matrix.columns, width);
  for (std::int64_t block = 0; block < matrix.rows; block += kDepth) {
    const std::int64_t depth = least(kDepth, matrix.rows - block);
    const float* from = matrix.data + block * matrix.row_stride + begin * matrix.column_stride;
    float* out = packed + block * all_columns + begin * depth;
    if (matrix.column_stride == 1)
      pack_contiguous({from, depth, end - begin, matrix.row_stride, 1}, width, out);
    else
      pack_transposed({from, depth, end - begin, 1, matrix.column_stride}, width, out);
  }
}

void gather_columns(const float* packed, std::int64_t depth, std::int64_t columns,
                    std::span<const std::int64_t> chosen, float* out) {
  const std::int64_t width = tile_columns();
  const std::int64_t all_columns = round_up(columns, width);
  const std::int64_t all_chosen = round_up(static_cast<std::int64_t>(chosen.size()), width);
  for (std::int64_t block = 0; block < depth; block += kDepth)
    gather_panels(packed + block * all_columns, least(kDepth, depth - block), width, chosen,
                  out + block * all_chosen);
}

void multiply(const Product& product, const Part& part, float* scratch) {
  const MatrixView& left = product.left;
  const std::int64_t width = tile_columns();
  const std::int64_t all_columns = round_up(product.columns, width);
  const bool direct = left.column_stride == 1;
  for (std::int64_t first = part.row_begin; first < part.row_end; first += kPackedRows) {
    const std::int64_t last = least(first + kPackedRows, part.row_end);
    for (std::int64_t block = 0; block < left.columns; block += kDepth) {
      const std::int64_t depth = least(kDepth, left.columns - block);
      if (!direct) pack_rows(left, first, last, block, depth, scratch);
      for (std::int64_t column = part.column_begin; column < part.column_end; column += width)
        for (std::int64_t row = first; row < last; row += kTileRows) {
          const std::int64_t rows = least(kTileRows, last - row);
          const TileFunction run = direct ? kernel().direct[rows - 1] : kernel().packed;
          run({.left = direct ? left.data + row * left.row_stride + block
                              : scratch + (row - first) * depth,
               .left_row = direct ? left.row_stride : 1,
               .right = product.packed + block * all_columns + column * depth,
               .depth = depth,
               .out = product.out + row * product.columns + column,
               .out_row = product.columns,
               .rows = rows,
               .columns = least(width, part.column_end - column),
               .bias = block == 0 && product.bias != nullptr ? product.bias + column : nullptr,
               .accumulate = product.accumulate || block > 0});
        }
    }
  }
}

}  // namespace dragoman::kernels
