// Products with a matrix that is kept in fewer bits than a float has: bfloat16 (half the memory) or
// eight-bit integers (a quarter, and integer arithmetic). As in modules/kernels/matrix_product.h,
// an element of the result depends on its own row and column alone, bit by bit. Plain memory, no
// LibTorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dragoman/modules/kernels/number.h"

namespace dragoman {

/// Rows that are multiplied together; scratch is for so many.
inline constexpr std::int64_t kNarrowRows = 48;

/// Bytes that a packed matrix of `inputs` x `outputs` takes.
[[nodiscard]] std::int64_t packed_bfloat16_size(std::int64_t inputs, std::int64_t outputs);
[[nodiscard]] std::int64_t packed_int8_size(std::int64_t inputs, std::int64_t outputs);

/// weight [outputs, inputs], rows one after the other.
void pack_bfloat16(const float* weight, std::int64_t inputs, std::int64_t outputs,
                   kernels::BFloat16* packed);

/// Columns of a packed matrix: `outputs`, rounded up to whole tiles. As many scales has one of
/// int8.
[[nodiscard]] std::int64_t packed_columns(std::int64_t outputs);

/// Each output has a scale of its own: weight = scales[output] * integer, integers in [-127, 127].
void pack_int8(const float* weight, std::int64_t inputs, std::int64_t outputs, std::int8_t* packed,
               float* scales);

/// The packed matrix of the `chosen` outputs of a packed matrix, number for number.
void gather_bfloat16(const kernels::BFloat16* packed, std::int64_t inputs,
                     std::span<const std::int64_t> chosen, kernels::BFloat16* out);
void gather_int8(const std::int8_t* packed, std::int64_t inputs,
                 std::span<const std::int64_t> chosen, std::int8_t* out);

struct NarrowProduct {
  const float* left;  ///< [rows, inputs]
  std::int64_t rows;  ///< at most kNarrowRows
  std::int64_t inputs;
  std::int64_t outputs;
  const float* bias;  ///< [outputs] or null
  bool accumulate;    ///< add to what is in `out`
  float* out;         ///< [rows, outputs]
  /// The outputs that are computed: from a multiple of packed_columns(1) to one, or to the last.
  std::int64_t begin;
  std::int64_t end;
};

/// The left side stays float, or becomes bfloat16 where the processor multiplies that
/// (AVX512-BF16); sums are float. `scratch`: narrow_scratch_size() bytes, aligned to 4.
void multiply_bfloat16(const NarrowProduct& product, const kernels::BFloat16* packed,
                       std::byte* scratch);
[[nodiscard]] std::int64_t narrow_scratch_size(std::int64_t inputs);

/// The left side becomes integers in [-127, 127], a scale for each row: its greatest number / 127.
/// The sums of integers are exact, and thus the same on every processor.
void multiply_int8(const NarrowProduct& product, const std::int8_t* packed, const float* scales,
                   std::byte* scratch);

}  // namespace dragoman
