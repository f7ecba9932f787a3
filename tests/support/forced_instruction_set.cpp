// A program that links this runs its kernels with the instruction set that the environment names:
//     DRAGOMAN_TEST_INSTRUCTION_SET=x86_64_v3 build/tests/inference/engine_test
// Without it, with the best one. One that the processor lacks ends the program with code 77, which
// ctest reports as skipped; with a "!" after the name it is used all the same, for emulators that
// run more than they report.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "dragoman/modules/kernels/instruction_set.h"

namespace {

namespace kernels = dragoman::kernels;
using kernels::InstructionSet;

void force_named_instruction_set(std::string wanted) {
  const bool is_certain = wanted.ends_with('!');
  if (is_certain) wanted.pop_back();
  const std::vector<InstructionSet>& available = kernels::available_instruction_sets();
  for (const InstructionSet set :
       {InstructionSet::portable, InstructionSet::x86_64_v3, InstructionSet::x86_64_v3_vnni,
        InstructionSet::x86_64_v4, InstructionSet::x86_64_v4_vnni, InstructionSet::x86_64_v4_bf16})
    if (name(set) == wanted &&
        (is_certain || std::ranges::find(available, set) != available.end())) {
      kernels::force_instruction_set(set);
      std::printf("kernels use %s\n", wanted.c_str());
      return;
    }
  std::printf("skipped: this processor has no %s; it has", wanted.c_str());
  for (const InstructionSet set : available)
    std::printf(" %s", name(set).data());
  std::printf("\n");
  std::fflush(stdout);
  std::_Exit(77);
}

[[maybe_unused]] const bool is_looked_up = [] {
  const char* wanted = std::getenv("DRAGOMAN_TEST_INSTRUCTION_SET");
  if (wanted != nullptr) force_named_instruction_set(wanted);
  return true;
}();

}  // namespace
