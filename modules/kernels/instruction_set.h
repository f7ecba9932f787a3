// Which instructions kernels that choose for themselves may use. (Most let the compiler choose:
// multiversion.h.)
#pragma once

namespace dragoman::kernels {

enum class InstructionSet {
  portable,
  x86_64_v3,  ///< AVX2, FMA
  x86_64_v4   ///< AVX-512 F, BW, DQ, VL
};

/// The best that this processor has.
[[nodiscard]] InstructionSet instruction_set();

}  // namespace dragoman::kernels
