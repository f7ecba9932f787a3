// Which instructions kernels that choose for themselves may use. (Most let the compiler choose:
// multiversion.h.)
#pragma once

#include <string_view>
#include <vector>

namespace dragoman::kernels {

/// Each has what stands before it, but that AVX-512 does without AVX-VNNI.
enum class InstructionSet {
  portable,
  x86_64_v3,       ///< AVX2, FMA
  x86_64_v3_vnni,  ///< and AVX-VNNI: sums of 8-bit products in 256 bits
  x86_64_v4,       ///< AVX-512 F, BW, DQ, VL
  x86_64_v4_vnni,  ///< and AVX512-VNNI: sums of 8-bit products in 512 bits
  x86_64_v4_bf16   ///< and AVX512-BF16: sums of products of bfloat16
};

/// "x86_64_v3"
[[nodiscard]] std::string_view name(InstructionSet set);

/// All that this processor and its system can run, the best one last.
[[nodiscard]] const std::vector<InstructionSet>& available_instruction_sets();

/// What kernels use: the best that there is.
[[nodiscard]] InstructionSet instruction_set();

/// For tests: from now on kernels use this one, which has to be available. What was packed before
/// is laid out for another; and a kernel that has run stays with what it chose.
void force_instruction_set(InstructionSet set);

}  // namespace dragoman::kernels
