// Numbers as the kernels see them: float, or bfloat16 as its 16 bits. Everything here is written so
// that loops over it vectorise.
#pragma once

#include <bit>
#include <cstdint>

namespace dragoman::kernels {

enum class BFloat16 : std::uint16_t {};

[[gnu::always_inline]] inline float load(float value) {
  return value;
}
[[gnu::always_inline]] inline float load(BFloat16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

[[gnu::always_inline]] inline void store(float value, float& out) {
  out = value;
}
/// Rounds to nearest, ties to even. Not for NaN.
[[gnu::always_inline]] inline void store(float value, BFloat16& out) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  out = static_cast<BFloat16>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// e^x to 2 units in the last place for x <= 88; 0 below -87.3. The polynomial is that of Cephes.
[[gnu::always_inline]] inline float exponential(float x) {
  constexpr float kLog2E = 1.44269504f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float clamped = x < -87.3f ? -87.3f : x;
  const float power = (clamped * kLog2E + kRound) - kRound;
  const float r = (clamped - power * 0.693359375f) + power * 2.12194440e-4f;
  float sum = 1.9875691500e-4f;
  sum = sum * r + 1.3981999507e-3f;
  sum = sum * r + 8.3334519073e-3f;
  sum = sum * r + 4.1665795894e-2f;
  sum = sum * r + 1.6666665459e-1f;
  sum = sum * r + 5.0000001201e-1f;
  const float mantissa = sum * (r * r) + r + 1.0f;
  const auto exponent = static_cast<std::uint32_t>(static_cast<std::int32_t>(power) + 127) << 23;
  return x < -87.3f ? 0.0f : mantissa * std::bit_cast<float>(exponent);
}

}  // namespace dragoman::kernels
