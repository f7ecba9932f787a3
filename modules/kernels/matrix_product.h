// C = A B in float, close to the processor's peak. The right matrix is packed once and used by many
// rows; tiles of C are then computed independently, by as many threads as the caller has. An
// element of C is always summed in the same order, so that it depends neither on the number of
// threads nor on the other rows of A: what stands beside a sentence in a batch changes no bit of
// it.
#pragma once

#include <cstdint>
#include <span>

namespace dragoman::kernels {

/// A matrix in memory: element (row, column) is data[row * row_stride + column * column_stride];
/// one of the strides is 1.
struct MatrixView {
  const float* data;
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t row_stride;
  std::int64_t column_stride;
};

/// [rows, columns], rows one after the other.
inline MatrixView row_major(const float* data, std::int64_t rows, std::int64_t columns) {
  return {data, rows, columns, columns, 1};
}
inline MatrixView transposed(MatrixView matrix) {
  return {matrix.data, matrix.columns, matrix.rows, matrix.column_stride, matrix.row_stride};
}

/// Rows and columns of the smallest tile, on this processor.
[[nodiscard]] std::int64_t tile_rows();
[[nodiscard]] std::int64_t tile_columns();

/// Floats that a packed [depth, columns] matrix takes.
[[nodiscard]] std::int64_t packed_size(std::int64_t depth, std::int64_t columns);

/// Packs columns [begin, end) of `matrix` into their place in `packed`; begin is a multiple of
/// tile_columns(), end as well or the number of columns.
void pack_columns(const MatrixView& matrix, std::int64_t begin, std::int64_t end, float* packed);

/// out [packed_size(depth, chosen.size())]: the packed matrix of the `chosen` columns of a packed
/// [depth, columns] matrix, number for number.
void gather_columns(const float* packed, std::int64_t depth, std::int64_t columns,
                    std::span<const std::int64_t> chosen, float* out);

struct Product {
  MatrixView left;       ///< [M, depth]
  const float* packed;   ///< the right matrix [depth, N]
  float* out;            ///< [M, N], rows one after the other
  std::int64_t columns;  ///< N
  const float* bias;     ///< [N] added to each row; or null
  bool accumulate;       ///< add to what is in `out`
};

/// The part of a product from rows and columns [begin, end); begins are multiples of the tile's.
struct Part {
  std::int64_t row_begin;
  std::int64_t row_end;
  std::int64_t column_begin;
  std::int64_t column_end;
};

/// `scratch`: scratch_size() floats of the calling thread.
void multiply(const Product& product, const Part& part, float* scratch);
[[nodiscard]] std::int64_t scratch_size();

}  // namespace dragoman::kernels
