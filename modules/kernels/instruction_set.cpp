#include "dragoman/modules/kernels/instruction_set.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#endif

namespace dragoman::kernels {
namespace {

#if defined(__x86_64__) && defined(__GNUC__)
/// The compilers' own question has no name for it everywhere. (256-bit registers are known to
/// work.)
bool has_avx_vnni() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a >> 4 & 1u) != 0;
}
#endif

std::vector<InstructionSet> find_instruction_sets() {
  std::vector<InstructionSet> sets{InstructionSet::portable};
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return sets;
  sets.push_back(InstructionSet::x86_64_v3);
  if (has_avx_vnni()) sets.push_back(InstructionSet::x86_64_v3_vnni);
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return sets;
  sets.push_back(InstructionSet::x86_64_v4);
  if (!__builtin_cpu_supports("avx512vnni")) return sets;
  sets.push_back(InstructionSet::x86_64_v4_vnni);
  if (__builtin_cpu_supports("avx512bf16")) sets.push_back(InstructionSet::x86_64_v4_bf16);
#endif
  return sets;
}

InstructionSet& chosen_instruction_set() {
  static InstructionSet chosen = available_instruction_sets().back();
  return chosen;
}

}  // namespace

std::string_view name(InstructionSet set) {
  switch (set) {
    case InstructionSet::portable:
      return "portable";
    case InstructionSet::x86_64_v3:
      return "x86_64_v3";
    case InstructionSet::x86_64_v3_vnni:
      return "x86_64_v3_vnni";
    case InstructionSet::x86_64_v4:
      return "x86_64_v4";
    case InstructionSet::x86_64_v4_vnni:
      return "x86_64_v4_vnni";
    case InstructionSet::x86_64_v4_bf16:
      return "x86_64_v4_bf16";
  }
  return "";
}

const std::vector<InstructionSet>& available_instruction_sets() {
  static const std::vector<InstructionSet> sets = find_instruction_sets();
  return sets;
}

InstructionSet instruction_set() {
  return chosen_instruction_set();
}

void force_instruction_set(InstructionSet set) {
  chosen_instruction_set() = set;
}

}  // namespace dragoman::kernels
