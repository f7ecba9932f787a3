#include "dragoman/modules/kernels/instruction_set.h"

namespace dragoman::kernels {

InstructionSet instruction_set() {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return InstructionSet::x86_64_v4;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return InstructionSet::x86_64_v3;
#endif
  return InstructionSet::portable;
}

}  // namespace dragoman::kernels
