#include "dragoman/inference/kernels/narrow_tiles.h"

#include <cstddef>
#include <cstring>

#include "dragoman/modules/kernels/instruction_set.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace dragoman {
namespace {

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
[[gnu::always_inline]] inline void write(const NarrowTile& tile,
                                         const Float (&sums)[kRows][kVectors]) {
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
[[gnu::always_inline]] inline void write_scaled(const NarrowTile& tile,
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
[[gnu::always_inline]] inline void bfloat16_tile(const NarrowTile& tile) {
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
void int8_tile_portable(const NarrowTile& tile) {
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
void bfloat16_tile_portable(const NarrowTile& tile) {
  bfloat16_tile<F4, U4, 2, kRows>(tile);
}

constexpr NarrowKernel kPortable{
    8,
    {bfloat16_tile_portable<1>, bfloat16_tile_portable<2>, bfloat16_tile_portable<3>,
     bfloat16_tile_portable<4>, bfloat16_tile_portable<5>, bfloat16_tile_portable<6>},
    {int8_tile_portable<1>, int8_tile_portable<2>, int8_tile_portable<3>, int8_tile_portable<4>,
     int8_tile_portable<5>, int8_tile_portable<6>}};

#if defined(__x86_64__) && defined(__GNUC__)
template <int kRows>
[[gnu::target("arch=x86-64-v3")]] void bfloat16_tile_v3(const NarrowTile& tile) {
  bfloat16_tile<F8, U8, 2, kRows>(tile);
}
template <int kRows>
[[gnu::target("arch=x86-64-v4")]] void bfloat16_tile_v4(const NarrowTile& tile) {
  bfloat16_tile<F16, U16, 4, kRows>(tile);
}

/// Two products of 16-bit integers and their sum in one instruction: nothing saturates, so that the
/// left side may have more than eight bits.
template <int kRows>
[[gnu::target("arch=x86-64-v3")]] void int8_tile_v3(const NarrowTile& tile) {
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
[[gnu::target("arch=x86-64-v4")]] void int8_tile_v4(const NarrowTile& tile) {
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

constexpr NarrowKernel kV3{16,
                           {bfloat16_tile_v3<1>, bfloat16_tile_v3<2>, bfloat16_tile_v3<3>,
                            bfloat16_tile_v3<4>, bfloat16_tile_v3<5>, bfloat16_tile_v3<6>},
                           {int8_tile_v3<1>, int8_tile_v3<2>, int8_tile_v3<3>, int8_tile_v3<4>,
                            int8_tile_v3<5>, int8_tile_v3<6>}};
constexpr NarrowKernel kV4{64,
                           {bfloat16_tile_v4<1>, bfloat16_tile_v4<2>, bfloat16_tile_v4<3>,
                            bfloat16_tile_v4<4>, bfloat16_tile_v4<5>, bfloat16_tile_v4<6>},
                           {int8_tile_v4<1>, int8_tile_v4<2>, int8_tile_v4<3>, int8_tile_v4<4>,
                            int8_tile_v4<5>, int8_tile_v4<6>}};

const NarrowKernel& choose_kernel() {
  switch (kernels::instruction_set()) {
    case kernels::InstructionSet::x86_64_v4:
      return kV4;
    case kernels::InstructionSet::x86_64_v3:
      return kV3;
    case kernels::InstructionSet::portable:
      break;
  }
  return kPortable;
}
#else
const NarrowKernel& choose_kernel() {
  return kPortable;
}
#endif

}  // namespace

const NarrowKernel& narrow_kernel() {
  static const NarrowKernel& chosen = choose_kernel();
  return chosen;
}

}  // namespace dragoman
