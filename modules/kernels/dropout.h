// Dropout whose mask is a function of a seed and an element's place: the same for any number of
// threads, and computed again in the backward pass instead of being stored.
#pragma once

#include <cstdint>

#include "dragoman/modules/kernels/number.h"

namespace dragoman::kernels {

/// Elements come in blocks of so many; each block has its own key.
inline constexpr std::int64_t kDropoutBlock = 4096;

struct DropoutMask {
  std::uint64_t seed;
  std::uint32_t threshold;  ///< an element is dropped when its hash is smaller: p * 2^32
  float scale;              ///< of what stays: 1 / (1 - p)
};
[[nodiscard]] DropoutMask dropout_mask(std::uint64_t seed, double probability);

/// out[i] = kept(i) ? x[i] * scale : 0 for i in [begin, end); begin is a multiple of kDropoutBlock.
void drop(const float* x, float* out, std::int64_t begin, std::int64_t end, DropoutMask mask);
void drop(const BFloat16* x, BFloat16* out, std::int64_t begin, std::int64_t end, DropoutMask mask);

/// out[i] = residual[i] + (kept(i) ? x[i] * scale : 0).
void drop_and_add(const float* residual, const float* x, float* out, std::int64_t begin,
                  std::int64_t end, DropoutMask mask);
void drop_and_add(const BFloat16* residual, const BFloat16* x, BFloat16* out, std::int64_t begin,
                  std::int64_t end, DropoutMask mask);

}  // namespace dragoman::kernels
