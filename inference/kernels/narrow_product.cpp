// Packed layout: panels of as many columns as a tile has; in them the pairs of the depth; in each
// pair [columns][2]. Missing columns and a missing last depth are zero.
#include "dragoman/inference/kernels/narrow_product.h"

#include <cmath>
#include <cstddef>

#include "dragoman/inference/kernels/narrow_tiles.h"
#include "dragoman/modules/kernels/gather_panels.h"
#include "dragoman/modules/kernels/multiversion.h"

namespace dragoman {
namespace {

using kernels::BFloat16;

std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}
std::int64_t pair_count(std::int64_t inputs) {
  return (inputs + 1) / 2;
}
std::int64_t packed_elements(std::int64_t inputs, std::int64_t outputs) {
  return round_up(outputs, narrow_kernel().tile_columns) * 2 * pair_count(inputs);
}

/// Calls store(output, input, place) for every element of the packed matrix; output or input may be
/// past the end.
void for_each_place(std::int64_t inputs, std::int64_t outputs, auto&& store) {
  const std::int64_t width = narrow_kernel().tile_columns;
  std::int64_t place = 0;
  for (std::int64_t panel = 0; panel < outputs; panel += width)
    for (std::int64_t pair = 0; pair < pair_count(inputs); ++pair)
      for (std::int64_t column = panel; column < panel + width; ++column)
        for (std::int64_t input = 2 * pair; input < 2 * pair + 2; ++input)
          store(column, input, place++);
}

/// Runs `functions` over all tiles of a product; element_size: bytes of an element of the panels.
void run_tiles(const NarrowKernel::Function (&functions)[kNarrowTileRows], NarrowTile tile,
               const NarrowProduct& product, std::int64_t left_size, std::int64_t element_size,
               const float* row_scales, const float* scales) {
  const std::int64_t width = narrow_kernel().tile_columns;
  const auto* left = static_cast<const std::byte*>(tile.left);
  const auto* right = static_cast<const std::byte*>(tile.right);
  tile.pairs = pair_count(product.inputs);
  tile.out_row = product.outputs;
  tile.accumulate = product.accumulate;
  for (std::int64_t column = 0; column < product.outputs; column += width) {
    tile.right = right + column * 2 * tile.pairs * element_size;
    tile.columns = width < product.outputs - column ? width : product.outputs - column;
    tile.bias = product.bias == nullptr ? nullptr : product.bias + column;
    tile.scales = scales == nullptr ? nullptr : scales + column;
    for (std::int64_t row = 0; row < product.rows; row += kNarrowTileRows) {
      const std::int64_t rows =
          product.rows - row < kNarrowTileRows ? product.rows - row : kNarrowTileRows;
      tile.left = left + row * tile.left_row * left_size;
      tile.row_scales = row_scales == nullptr ? nullptr : row_scales + row;
      tile.out = product.out + row * product.outputs + column;
      functions[rows - 1](tile);
    }
  }
}

/// Integers of a row lie in [-limit, limit]: so many that no sum of `inputs` products with
/// eight-bit integers leaves 32 bits.
std::int32_t left_limit(std::int64_t inputs) {
  const std::int64_t most = (std::int64_t{1} << 31) / (128 * (inputs + 2));
  return static_cast<std::int32_t>(most < 4095 ? most : 4095);
}

/// row [inputs] -> integers [2 * pairs]; returns the scale.
[[gnu::always_inline]] inline float quantize_row(const float* row, std::int64_t inputs,
                                                 std::int32_t limit, std::int16_t* out) {
  constexpr std::int64_t kLanes = 16;
  float lanes[kLanes] = {};
  const std::int64_t blocks = inputs / kLanes * kLanes;
  for (std::int64_t start = 0; start < blocks; start += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const float size = std::fabs(row[start + lane]);
      lanes[lane] = size > lanes[lane] ? size : lanes[lane];
    }
  float largest = 0.0f;
  for (const float lane : lanes)
    largest = lane > largest ? lane : largest;
  for (std::int64_t input = blocks; input < inputs; ++input)
    largest = std::fabs(row[input]) > largest ? std::fabs(row[input]) : largest;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float inverse = largest > 0.0f ? static_cast<float>(limit) / largest : 0.0f;
  for (std::int64_t input = 0; input < inputs; ++input)
    out[input] = static_cast<std::int16_t>(
        static_cast<std::int32_t>((row[input] * inverse + kRound) - kRound));
  if (inputs % 2 != 0) out[inputs] = 0;
  return largest / static_cast<float>(limit);
}

DRAGOMAN_MULTIVERSION
void quantize_rows(const NarrowProduct& product, std::int64_t stride, std::int16_t* out,
                   float* scales) {
  const std::int32_t limit = left_limit(product.inputs);
  for (std::int64_t row = 0; row < product.rows; ++row)
    scales[row] = quantize_row(product.left + row * product.inputs, product.inputs, limit,
                               out + row * stride);
}

}  // namespace

std::int64_t packed_bfloat16_size(std::int64_t inputs, std::int64_t outputs) {
  return packed_elements(inputs, outputs) * static_cast<std::int64_t>(sizeof(BFloat16));
}
std::int64_t packed_int8_size(std::int64_t inputs, std::int64_t outputs) {
  return packed_elements(inputs, outputs);
}

void pack_bfloat16(const float* weight, std::int64_t inputs, std::int64_t outputs,
                   BFloat16* packed) {
  for_each_place(inputs, outputs, [&](std::int64_t output, std::int64_t input, std::int64_t place) {
    const bool exists = output < outputs && input < inputs;
    kernels::store(exists ? weight[output * inputs + input] : 0.0f, packed[place]);
  });
}

void pack_int8(const float* weight, std::int64_t inputs, std::int64_t outputs, std::int8_t* packed,
               float* scales) {
  for (std::int64_t output = 0; output < round_up(outputs, narrow_kernel().tile_columns);
       ++output) {
    float largest = 0.0f;
    for (std::int64_t input = 0; input < inputs && output < outputs; ++input)
      largest = std::fmax(largest, std::fabs(weight[output * inputs + input]));
    scales[output] = largest / 127.0f;
  }
  for_each_place(inputs, outputs, [&](std::int64_t output, std::int64_t input, std::int64_t place) {
    const bool exists = output < outputs && input < inputs && scales[output] > 0.0f;
    packed[place] =
        exists
            ? static_cast<std::int8_t>(std::lrint(weight[output * inputs + input] / scales[output]))
            : std::int8_t{0};
  });
}

namespace {

/// Of the same input pair, in memory as one.
template <class Element>
struct Pair {
  Element elements[2];
};

template <class Element>
void gather_pairs(const Element* packed, std::int64_t inputs, std::span<const std::int64_t> chosen,
                  Element* out) {
  kernels::gather_panels(reinterpret_cast<const Pair<Element>*>(packed), pair_count(inputs),
                         narrow_kernel().tile_columns, chosen,
                         reinterpret_cast<Pair<Element>*>(out));
}

}  // namespace

void gather_bfloat16(const BFloat16* packed, std::int64_t inputs,
                     std::span<const std::int64_t> chosen, BFloat16* out) {
  gather_pairs(packed, inputs, chosen, out);
}

void gather_int8(const std::int8_t* packed, std::int64_t inputs,
                 std::span<const std::int64_t> chosen, std::int8_t* out) {
  gather_pairs(packed, inputs, chosen, out);
}

std::int64_t packed_columns(std::int64_t outputs) {
  return round_up(outputs, narrow_kernel().tile_columns);
}

void multiply_bfloat16(const NarrowProduct& product, const BFloat16* packed) {
  NarrowTile tile{};
  tile.left = product.left;
  tile.left_row = product.inputs;
  tile.right = packed;
  run_tiles(narrow_kernel().bfloat16, tile, product, sizeof(float), sizeof(BFloat16), nullptr,
            nullptr);
}

std::int64_t int8_scratch_size(std::int64_t inputs) {
  return kNarrowRows *
         static_cast<std::int64_t>(sizeof(float) + 2 * pair_count(inputs) * sizeof(std::int16_t));
}

void multiply_int8(const NarrowProduct& product, const std::int8_t* packed, const float* scales,
                   std::byte* scratch) {
  auto* row_scales = reinterpret_cast<float*>(scratch);
  auto* left = reinterpret_cast<std::int16_t*>(scratch + kNarrowRows * sizeof(float));
  NarrowTile tile{};
  tile.left = left;
  tile.left_row = 2 * pair_count(product.inputs);
  tile.right = packed;
  quantize_rows(product, tile.left_row, left, row_scales);
  run_tiles(narrow_kernel().int8, tile, product, sizeof(std::int16_t), sizeof(std::int8_t),
            row_scales, scales);
}

}  // namespace dragoman
