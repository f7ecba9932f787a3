#include "dragoman/inference/kernels/narrow_tiles.h"

#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

#include "dragoman/modules/kernels/instruction_set.h"

namespace dragoman {
namespace {

using F4 = float __attribute__((vector_size(16)));
using F8 = float __attribute__((vector_size(32)));
using F16 = float __attribute__((vector_size(64)));
using U4 = std::uint32_t __attribute__((vector_size(16)));
using U8 = std::uint32_t __attribute__((vector_size(32)));
using U16 = std::uint32_t __attribute__((vector_size(64)));
using I4 = std::int32_t __attribute__((vector_size(16)));

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

/// sum += left * right. Spelled out where there is an instruction, or else the compiler copies
/// registers and runs out of them.
template <class Float>
[[gnu::always_inline]] inline void add_product(const Float& left, const Float& right, Float& sum) {
#if defined(__x86_64__) && defined(__GNUC__)
  if constexpr (sizeof(Float) >= 32) {
    asm("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right));
    return;
  }
#endif
  sum += left * right;
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
  for (std::int64_t pair = 0; pair < tile.groups; ++pair) {
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
        const Float repeated = left[row * tile.left_row + 2 * pair + half] - Float{};
#pragma GCC unroll 4
        for (int vector = 0; vector < kVectors; ++vector)
          add_product(columns[vector], repeated, sums[row][vector]);
      }
    }
    right += kVectors * sizeof(Bits);
  }
  write(tile, sums);
}

/// A tile's functions for 1, 2, ... rows; pick.operator()<rows>() is one of them.
template <class Pick>
constexpr NarrowTiles tiles(LeftSide left, Pick pick) {
  return [&]<int... kRows>(std::integer_sequence<int, kRows...>) {
    return NarrowTiles{left, {pick.template operator()<kRows + 1>()...}};
  }
  (std::make_integer_sequence<int, kNarrowTileRows>{});
}

template <int kRows>
void int8_tile_portable(const NarrowTile& tile) {
  constexpr int kVectors = 2;
  constexpr int kLanes = 4;
  I4 sums[kRows][kVectors] = {};
  const auto* right = static_cast<const std::int8_t*>(tile.right);
  const auto* left = static_cast<const std::int16_t*>(tile.left);
  for (std::int64_t pair = 0; pair < tile.groups; ++pair, right += 2 * kVectors * kLanes)
    for (int row = 0; row < kRows; ++row) {
      const std::int32_t first = left[2 * (row * tile.left_row + pair)];
      const std::int32_t second = left[2 * (row * tile.left_row + pair) + 1];
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
    8, tiles(LeftSide::floats, []<int kRows>() { return bfloat16_tile_portable<kRows>; }),
    tiles(LeftSide::int16_pairs, []<int kRows>() { return int8_tile_portable<kRows>; })};

#if defined(__x86_64__) && defined(__GNUC__)
using I8 = std::int32_t __attribute__((vector_size(32)));
using I16 = std::int32_t __attribute__((vector_size(64)));

// The instructions that multiply groups. They are spelled out, because the compiler's functions for
// them cannot be called from templates for several kinds of processor, and cost copies of
// registers.

/// Two 16-bit products and their sum: nothing saturates.
template <class Integers>
struct PairsOfIntegers {
  using Sum = Integers;
  static constexpr bool kSumsStartInPanel = false;
  static constexpr std::int64_t kVectorBytes = sizeof(Integers) / 2;
  [[gnu::always_inline]] static void read(const std::byte* from, Integers& to) {
    struct Bytes {
      std::byte bytes[kVectorBytes];
    };
    asm("vpmovsxbw %1, %0" : "=v"(to) : "m"(*reinterpret_cast<const Bytes*>(from)));
  }
  [[gnu::always_inline]] static void multiply(const Integers& left, const Integers& right,
                                              Sum& sum) {
    Integers products;
    asm("vpmaddwd %2, %1, %0" : "=v"(products) : "v"(left), "v"(right));
    sum += products;
  }
};

/// AVX-VNNI and AVX512-VNNI: four products of an unsigned and a signed byte, added to the sum.
/// Nothing saturates.
template <class Integers>
struct QuadsOfBytes {
  using Sum = Integers;
  static constexpr bool kSumsStartInPanel = true;
  static constexpr std::int64_t kVectorBytes = sizeof(Integers);
  [[gnu::always_inline]] static void read(const std::byte* from, Integers& to) {
    std::memcpy(&to, from, sizeof to);
  }
  [[gnu::always_inline]] static void multiply(const Integers& left, const Integers& right,
                                              Sum& sum) {
    if constexpr (sizeof(Integers) == 32)
      asm("%{vex%} vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right));
    else
      asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right));
  }
};

/// AVX512-BF16: two products, added to the sum.
struct PairsOfBFloat16 {
  using Sum = F16;
  static constexpr bool kSumsStartInPanel = false;
  static constexpr std::int64_t kVectorBytes = sizeof(I16);
  [[gnu::always_inline]] static void read(const std::byte* from, I16& to) {
    std::memcpy(&to, from, sizeof to);
  }
  [[gnu::always_inline]] static void multiply(const I16& left, const I16& right, Sum& sum) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right));
  }
};

/// A tile of groups of four bytes; Bits: a vector of them.
template <class Instruction, class Float, class Bits, int kVectors, int kRows>
[[gnu::always_inline]] inline void group_tile(const NarrowTile& tile) {
  using Sum = typename Instruction::Sum;
  const auto* right = static_cast<const std::byte*>(tile.right);
  const auto* left = static_cast<const std::byte*>(tile.left);
  Sum sums[kRows][kVectors];
#pragma GCC unroll 4
  for (int vector = 0; vector < kVectors; ++vector) {
    Sum start{};
    if constexpr (Instruction::kSumsStartInPanel) {
      std::memcpy(&start, right, sizeof start);
      right += sizeof start;
    }
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row)
      sums[row][vector] = start;
  }
  for (std::int64_t group = 0; group < tile.groups; ++group) {
    Bits columns[kVectors];
#pragma GCC unroll 4
    for (int vector = 0; vector < kVectors; ++vector)
      Instruction::read(right + vector * Instruction::kVectorBytes, columns[vector]);
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row) {
      std::int32_t four_bytes;
      std::memcpy(&four_bytes, left + (row * tile.left_row + group) * 4, sizeof four_bytes);
      const Bits repeated = Bits{} + four_bytes;
#pragma GCC unroll 4
      for (int vector = 0; vector < kVectors; ++vector)
        Instruction::multiply(repeated, columns[vector], sums[row][vector]);
    }
    right += kVectors * Instruction::kVectorBytes;
  }
  if constexpr (std::is_same_v<Sum, Float>)
    write(tile, sums);
  else
    write_scaled<Float>(tile, sums);
}

template <int kRows>
[[gnu::target("arch=x86-64-v3")]] void bfloat16_tile_v3(const NarrowTile& tile) {
  bfloat16_tile<F8, U8, 2, kRows>(tile);
}
template <int kRows>
[[gnu::target("arch=x86-64-v4")]] void bfloat16_tile_v4(const NarrowTile& tile) {
  bfloat16_tile<F16, U16, 4, kRows>(tile);
}
template <int kRows>
[[gnu::target("arch=x86-64-v4")]] void bfloat16_tile_bf16(const NarrowTile& tile) {
  group_tile<PairsOfBFloat16, F16, I16, 4, kRows>(tile);
}
template <int kRows>
[[gnu::target("arch=x86-64-v3")]] void int8_tile_v3(const NarrowTile& tile) {
  group_tile<PairsOfIntegers<I8>, F8, I8, 2, kRows>(tile);
}
template <int kRows>
[[gnu::target("arch=x86-64-v3")]] void int8_tile_v3_vnni(const NarrowTile& tile) {
  group_tile<QuadsOfBytes<I8>, F8, I8, 2, kRows>(tile);
}
template <int kRows>
[[gnu::target("arch=x86-64-v4")]] void int8_tile_v4(const NarrowTile& tile) {
  group_tile<PairsOfIntegers<I16>, F16, I16, 4, kRows>(tile);
}
template <int kRows>
[[gnu::target("arch=x86-64-v4")]] void int8_tile_v4_vnni(const NarrowTile& tile) {
  group_tile<QuadsOfBytes<I16>, F16, I16, 4, kRows>(tile);
}

constexpr NarrowTiles kBFloat16V3 =
    tiles(LeftSide::floats, []<int kRows>() { return bfloat16_tile_v3<kRows>; });
constexpr NarrowTiles kBFloat16V4 =
    tiles(LeftSide::floats, []<int kRows>() { return bfloat16_tile_v4<kRows>; });
constexpr NarrowTiles kBFloat16Pairs =
    tiles(LeftSide::bfloat16_pairs, []<int kRows>() { return bfloat16_tile_bf16<kRows>; });
constexpr NarrowTiles kInt8V3 =
    tiles(LeftSide::int16_pairs, []<int kRows>() { return int8_tile_v3<kRows>; });
constexpr NarrowTiles kInt8V3Vnni =
    tiles(LeftSide::byte_quads, []<int kRows>() { return int8_tile_v3_vnni<kRows>; });
constexpr NarrowTiles kInt8V4 =
    tiles(LeftSide::int16_pairs, []<int kRows>() { return int8_tile_v4<kRows>; });
constexpr NarrowTiles kInt8V4Vnni =
    tiles(LeftSide::byte_quads, []<int kRows>() { return int8_tile_v4_vnni<kRows>; });

constexpr NarrowKernel kV3{16, kBFloat16V3, kInt8V3};
constexpr NarrowKernel kV3Vnni{16, kBFloat16V3, kInt8V3Vnni};
constexpr NarrowKernel kV4{64, kBFloat16V4, kInt8V4};
constexpr NarrowKernel kV4Vnni{64, kBFloat16V4, kInt8V4Vnni};
constexpr NarrowKernel kV4BFloat16{64, kBFloat16Pairs, kInt8V4Vnni};

const NarrowKernel& choose_kernel() {
  switch (kernels::instruction_set()) {
    case kernels::InstructionSet::x86_64_v4_bf16:
      return kV4BFloat16;
    case kernels::InstructionSet::x86_64_v4_vnni:
      return kV4Vnni;
    case kernels::InstructionSet::x86_64_v4:
      return kV4;
    case kernels::InstructionSet::x86_64_v3_vnni:
      return kV3Vnni;
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
