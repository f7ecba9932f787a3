// Packed layout: panels of as many columns as a tile has; in them the pairs of the depth; in each
// pair [columns][2]. Missing columns and a missing last depth are zero.
#include "dragoman/inference/kernels/narrow_product.h"

#include <cmath>
#include <cstddef>
#include <cstring>

#include "dragoman/modules/kernels/multiversion.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace dragoman {
namespace {

using kernels::BFloat16;

constexpr std::int64_t kTileRows = 6;

/// One tile of a product.
struct Tile {
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

using F4 = float __attribute__((vector_size(16)));
using F8 = float __attribute__((vector_size(32)));
using F16 = float __attribute__((vector_size(64)));
using U4 = std::uint32_t __attribute__((vector_size(16)));
using U8 = std::uint32_t __attribute__((vector_size(32)));
using U16 = std::uint32_t __attribute__((vector_size(64)));
using I4 = std::int32_t __attribute__((vector_size(16)));
using I8 = std::int32_t __attribute__((vector_size(32)));
using I16 = std::int32_t __attribute__((vector_size(64)));

/// to += the numbers at `from`. (No function returns a vector: how would depend on the target.)
template <class Float>
[[gnu::always_inline]] inline void add_from(const float* from, Float& to) {
  Float vector;
  std::memcpy(&vector, from, sizeof vector);
  to += vector;
}

/// Moves finished sums into the result.
template <class Float, int kRows, int kVectors>
[[gnu::always_inline]] inline void write(const Tile& tile, const Float (&sums)[kRows][kVectors]) {
  constexpr int kLanes = sizeof(Float) / sizeof(float);
  if (tile.columns == kVectors * kLanes) {
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 4
      for (int vector = 0; vector < kVectors; ++vector) {
        float* out = tile.out + row * tile.out_row + vector * kLanes;
        Float sum = sums[row][vector];
        if (tile.bias != nullptr) add_from(tile.bias + vector * kLanes, sum);
        if (tile.accumulate) add_from(out, sum);
        std::memcpy(out, &sum, sizeof sum);
      }
    return;
  }
  float whole[kRows * kVectors * kLanes];
  std::memcpy(whole, sums, sizeof whole);
  for (int row = 0; row < kRows; ++row)
    for (std::int64_t column = 0; column < tile.columns; ++column) {
      float sum = whole[row * kVectors * kLanes + column];
      if (tile.bias != nullptr) sum += tile.bias[column];
      float& out = tile.out[row * tile.out_row + column];
      out = tile.accumulate ? sum + out : sum;
    }
}

/// Sums of integers become numbers.
template <class Float, class Integers, int kRows, int kVectors>
[[gnu::always_inline]] inline void write_scaled(const Tile& tile,
                                                const Integers (&sums)[kRows][kVectors]) {
  constexpr int kLanes = sizeof(Float) / sizeof(float);
  Float scaled[kRows][kVectors];
#pragma GCC unroll 4
  for (int vector = 0; vector < kVectors; ++vector) {
    Float scales;
    std::memcpy(&scales, tile.scales + vector * kLanes, sizeof scales);
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row)
      scaled[row][vector] =
          __builtin_convertvector(sums[row][vector], Float) * scales * tile.row_scales[row];
  }
  write(tile, scaled);
}

template <class Float, class Bits, int kVectors, int kRows>
[[gnu::always_inline]] inline void bfloat16_tile(const Tile& tile) {
  Float sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 4
    for (int vector = 0; vector < kVectors; ++vector)
      sums[row][vector] = Float{};
  const auto* right = static_cast<const std::byte*>(tile.right);
  const auto* left = static_cast<const float*>(tile.left);
  for (std::int64_t pair = 0; pair < tile.pairs; ++pair) {
    // One half of the pairs after the other, so that all fits into the registers.
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      Float columns[kVectors];
#pragma GCC unroll 4
      for (int vector = 0; vector < kVectors; ++vector) {
        Bits bits;
        std::memcpy(&bits, right + vector * sizeof(Bits), sizeof bits);
        if (half == 0)
          bits <<= 16;
        else
          bits &= 0xffff0000u;
        std::memcpy(&columns[vector], &bits, sizeof bits);
      }
#pragma GCC unroll 8
      for (int row = 0; row < kRows; ++row) {
        const float repeated = left[row * tile.left_row + 2 * pair + half];
#pragma GCC unroll 4
        for (int vector = 0; vector < kVectors; ++vector)
          sums[row][vector] += columns[vector] * repeated;
      }
#if defined(__x86_64__) && defined(__GNUC__)
      // Else the compiler weaves the halves into each other and runs out of registers.
#pragma GCC unroll 8
      for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 4
        for (int vector = 0; vector < kVectors; ++vector)
          asm("" : "+v"(sums[row][vector]));
#endif
    }
    right += kVectors * sizeof(Bits);
  }
  write(tile, sums);
}

template <int kRows>
void int8_tile_portable(const Tile& tile) {
  constexpr int kVectors = 2;
  constexpr int kLanes = 4;
  I4 sums[kRows][kVectors] = {};
  const auto* right = static_cast<const std::int8_t*>(tile.right);
  const auto* left = static_cast<const std::int16_t*>(tile.left);
  for (std::int64_t pair = 0; pair < tile.pairs; ++pair, right += 2 * kVectors * kLanes)
    for (int row = 0; row < kRows; ++row) {
      const std::int32_t first = left[row * tile.left_row + 2 * pair];
      const std::int32_t second = left[row * tile.left_row + 2 * pair + 1];
      for (int column = 0; column < kVectors * kLanes; ++column)
        sums[row][column / kLanes][column % kLanes] +=
            first * right[2 * column] + second * right[2 * column + 1];
    }
  write_scaled<F4>(tile, sums);
}
template <int kRows>
void bfloat16_tile_portable(const Tile& tile) {
  bfloat16_tile<F4, U4, 2, kRows>(tile);
}

using TileFunction = void (*)(const Tile&);

struct Kernel {
  std::int64_t tile_columns;
  TileFunction bfloat16[kTileRows];  ///< for 1 to kTileRows rows
  TileFunction int8[kTileRows];
};

constexpr Kernel kPortable{
    8,
    {bfloat16_tile_portable<1>, bfloat16_tile_portable<2>, bfloat16_tile_portable<3>,
     bfloat16_tile_portable<4>, bfloat16_tile_portable<5>, bfloat16_tile_portable<6>},
    {int8_tile_portable<1>, int8_tile_portable<2>, int8_tile_portable<3>, int8_tile_portable<4>,
     int8_tile_portable<5>, int8_tile_portable<6>}};

#if defined(__x86_64__) && defined(__GNUC__)
template <int kRows>
[[gnu::target("arch=x86-64-v3")]] void bfloat16_tile_v3(const Tile& tile) {
  bfloat16_tile<F8, U8, 2, kRows>(tile);
}
template <int kRows>
[[gnu::target("arch=x86-64-v4")]] void bfloat16_tile_v4(const Tile& tile) {
  bfloat16_tile<F16, U16, 4, kRows>(tile);
}

/// Two products of 16-bit integers and their sum in one instruction: nothing saturates, so that the
/// left side may have more than eight bits.
template <int kRows>
[[gnu::target("arch=x86-64-v3")]] void int8_tile_v3(const Tile& tile) {
  constexpr int kVectors = 2;
  __m256i sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 2
    for (int vector = 0; vector < kVectors; ++vector)
      sums[row][vector] = _mm256_setzero_si256();
  const auto* right = static_cast<const __m128i*>(tile.right);
  const auto* left = static_cast<const std::int16_t*>(tile.left);
#pragma GCC unroll 2
  for (std::int64_t pair = 0; pair < tile.pairs; ++pair, right += kVectors) {
    __m256i columns[kVectors];
#pragma GCC unroll 2
    for (int vector = 0; vector < kVectors; ++vector)
      columns[vector] = _mm256_cvtepi8_epi16(_mm_loadu_si128(right + vector));
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row) {
      std::int32_t both;
      std::memcpy(&both, left + row * tile.left_row + 2 * pair, sizeof both);
      const __m256i repeated = _mm256_set1_epi32(both);
#pragma GCC unroll 2
      for (int vector = 0; vector < kVectors; ++vector)
        sums[row][vector] =
            _mm256_add_epi32(sums[row][vector], _mm256_madd_epi16(repeated, columns[vector]));
    }
  }
  I8 whole[kRows][kVectors];
  std::memcpy(whole, sums, sizeof whole);
  write_scaled<F8>(tile, whole);
}

template <int kRows>
[[gnu::target("arch=x86-64-v4")]] void int8_tile_v4(const Tile& tile) {
  constexpr int kVectors = 4;
  __m512i sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int row = 0; row < kRows; ++row)
#pragma GCC unroll 4
    for (int vector = 0; vector < kVectors; ++vector)
      sums[row][vector] = _mm512_setzero_si512();
  const auto* right = static_cast<const __m256i*>(tile.right);
  const auto* left = static_cast<const std::int16_t*>(tile.left);
  for (std::int64_t pair = 0; pair < tile.pairs; ++pair, right += kVectors) {
    __m512i columns[kVectors];
#pragma GCC unroll 4
    for (int vector = 0; vector < kVectors; ++vector)
      columns[vector] = _mm512_cvtepi8_epi16(_mm256_loadu_si256(right + vector));
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row) {
      std::int32_t both;
      std::memcpy(&both, left + row * tile.left_row + 2 * pair, sizeof both);
      const __m512i repeated = _mm512_set1_epi32(both);
#pragma GCC unroll 4
      for (int vector = 0; vector < kVectors; ++vector)
        sums[row][vector] =
            _mm512_add_epi32(sums[row][vector], _mm512_madd_epi16(repeated, columns[vector]));
    }
  }
  I16 whole[kRows][kVectors];
  std::memcpy(whole, sums, sizeof whole);
  write_scaled<F16>(tile, whole);
}

constexpr Kernel kV3{16,
                     {bfloat16_tile_v3<1>, bfloat16_tile_v3<2>, bfloat16_tile_v3<3>,
                      bfloat16_tile_v3<4>, bfloat16_tile_v3<5>, bfloat16_tile_v3<6>},
                     {int8_tile_v3<1>, int8_tile_v3<2>, int8_tile_v3<3>, int8_tile_v3<4>,
                      int8_tile_v3<5>, int8_tile_v3<6>}};
constexpr Kernel kV4{64,
                     {bfloat16_tile_v4<1>, bfloat16_tile_v4<2>, bfloat16_tile_v4<3>,
                      bfloat16_tile_v4<4>, bfloat16_tile_v4<5>, bfloat16_tile_v4<6>},
                     {int8_tile_v4<1>, int8_tile_v4<2>, int8_tile_v4<3>, int8_tile_v4<4>,
                      int8_tile_v4<5>, int8_tile_v4<6>}};

const Kernel& choose_kernel() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return kV4;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return kV3;
  return kPortable;
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
std::int64_t pair_count(std::int64_t inputs) {
  return (inputs + 1) / 2;
}
std::int64_t packed_elements(std::int64_t inputs, std::int64_t outputs) {
  return round_up(outputs, kernel().tile_columns) * 2 * pair_count(inputs);
}

/// Calls store(output, input, place) for every element of the packed matrix; output or input may be
/// past the end.
void for_each_place(std::int64_t inputs, std::int64_t outputs, auto&& store) {
  const std::int64_t width = kernel().tile_columns;
  std::int64_t place = 0;
  for (std::int64_t panel = 0; panel < outputs; panel += width)
    for (std::int64_t pair = 0; pair < pair_count(inputs); ++pair)
      for (std::int64_t column = panel; column < panel + width; ++column)
        for (std::int64_t input = 2 * pair; input < 2 * pair + 2; ++input)
          store(column, input, place++);
}

/// Runs `functions` over all tiles of a product; element_size: bytes of an element of the panels.
void run_tiles(const TileFunction (&functions)[kTileRows], Tile tile, const NarrowProduct& product,
               std::int64_t left_size, std::int64_t element_size, const float* row_scales,
               const float* scales) {
  const std::int64_t width = kernel().tile_columns;
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
    for (std::int64_t row = 0; row < product.rows; row += kTileRows) {
      const std::int64_t rows = product.rows - row < kTileRows ? product.rows - row : kTileRows;
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
  for (std::int64_t output = 0; output < round_up(outputs, kernel().tile_columns); ++output) {
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

std::int64_t packed_columns(std::int64_t outputs) {
  return round_up(outputs, kernel().tile_columns);
}

void multiply_bfloat16(const NarrowProduct& product, const BFloat16* packed) {
  Tile tile{};
  tile.left = product.left;
  tile.left_row = product.inputs;
  tile.right = packed;
  run_tiles(kernel().bfloat16, tile, product, sizeof(float), sizeof(BFloat16), nullptr, nullptr);
}

std::int64_t int8_scratch_size(std::int64_t inputs) {
  return kNarrowRows *
         static_cast<std::int64_t>(sizeof(float) + 2 * pair_count(inputs) * sizeof(std::int16_t));
}

void multiply_int8(const NarrowProduct& product, const std::int8_t* packed, const float* scales,
                   std::byte* scratch) {
  auto* row_scales = reinterpret_cast<float*>(scratch);
  auto* left = reinterpret_cast<std::int16_t*>(scratch + kNarrowRows * sizeof(float));
  Tile tile{};
  tile.left = left;
  tile.left_row = 2 * pair_count(product.inputs);
  tile.right = packed;
  quantize_rows(product, tile.left_row, left, row_scales);
  run_tiles(kernel().int8, tile, product, sizeof(std::int16_t), sizeof(std::int8_t), row_scales,
            scales);
}

}  // namespace dragoman
