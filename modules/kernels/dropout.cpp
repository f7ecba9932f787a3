#include "dragoman/modules/kernels/dropout.h"

#include "dragoman/modules/kernels/multiversion.h"

namespace dragoman::kernels {
namespace {

struct BlockKey {
  std::uint32_t first;
  std::uint32_t second;
};

/// Steele et al. 2014, "Fast splittable pseudorandom number generators".
BlockKey block_key(std::uint64_t seed, std::int64_t block) {
  std::uint64_t z = seed + (static_cast<std::uint64_t>(block) + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return {static_cast<std::uint32_t>(z), static_cast<std::uint32_t>(z >> 32)};
}

/// Two multiplications (constants of the "lowbias32" search by Wellons), a key before each.
[[gnu::always_inline]] inline std::uint32_t hash(std::uint32_t element, BlockKey key) {
  std::uint32_t x = element * 0x9e3779b9u + key.first;
  x ^= x >> 16;
  x *= 0x21f0aaadu;
  x ^= x >> 15;
  x ^= key.second;
  x *= 0xd35a2d97u;
  x ^= x >> 15;
  return x;
}

template <class Number, bool add>
[[gnu::always_inline]] inline void drop_blocks(const Number* residual, const Number* x, Number* out,
                                               std::int64_t begin, std::int64_t end,
                                               DropoutMask mask) {
  for (std::int64_t start = begin; start < end; start += kDropoutBlock) {
    const BlockKey key = block_key(mask.seed, start / kDropoutBlock);
    const std::int64_t rest = end - start;
    const auto count = static_cast<std::uint32_t>(rest < kDropoutBlock ? rest : kDropoutBlock);
#pragma omp simd
    for (std::uint32_t element = 0; element < count; ++element) {
      const float scale = hash(element, key) < mask.threshold ? 0.0f : mask.scale;
      float value = load(x[start + element]) * scale;
      if (add) value += load(residual[start + element]);
      store(value, out[start + element]);
    }
  }
}

}  // namespace

DropoutMask dropout_mask(std::uint64_t seed, double probability) {
  return {seed, static_cast<std::uint32_t>(probability * 4294967296.0),
          static_cast<float>(1.0 / (1.0 - probability))};
}

DRAGOMAN_MULTIVERSION
void drop(const float* x, float* out, std::int64_t begin, std::int64_t end, DropoutMask mask) {
  drop_blocks<float, false>(nullptr, x, out, begin, end, mask);
}

DRAGOMAN_MULTIVERSION
void drop(const BFloat16* x, BFloat16* out, std::int64_t begin, std::int64_t end,
          DropoutMask mask) {
  drop_blocks<BFloat16, false>(nullptr, x, out, begin, end, mask);
}

DRAGOMAN_MULTIVERSION
void drop_and_add(const float* residual, const float* x, float* out, std::int64_t begin,
                  std::int64_t end, DropoutMask mask) {
  drop_blocks<float, true>(residual, x, out, begin, end, mask);
}

DRAGOMAN_MULTIVERSION
void drop_and_add(const BFloat16* residual, const BFloat16* x, BFloat16* out, std::int64_t begin,
                  std::int64_t end, DropoutMask mask) {
  drop_blocks<BFloat16, true>(residual, x, out, begin, end, mask);
}

}  // namespace dragoman::kernels
