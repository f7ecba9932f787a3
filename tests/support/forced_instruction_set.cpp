// A program that links this runs its kernels with the instruction set that the environment names:
//     DRAGOMAN_TEST_INSTRUCTION_SET=x86_64_v3 build/tests/inference/engine_test
// Without it, with the best one. One that the processor lacks ends the program with code 77, which
// ctest reports as skipped.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "dragoman/modules/kernels/instruction_set.h"

namespace {

namespace kernels = dragoman::kernels;

bool force_named_instruction_set() {
  const char* wanted = std::getenv("DRAGOMAN_TEST_INSTRUCTION_SET");
  if (wanted == nullptr) return false;
  for (const kernels::InstructionSet set : kernels::available_instruction_sets())
    if (name(set) == wanted) {
      kernels::force_instruction_set(set);
      std::printf("kernels use %s\n", wanted);
      return true;
    }
  std::printf("skipped: this processor has no %s; it has", wanted);
  for (const kernels::InstructionSet set : kernels::available_instruction_sets())
    std::printf(" %s", name(set).data());
  std::printf("\n");
  std::fflush(stdout);
  std::_Exit(77);
}

[[maybe_unused]] const bool is_forced = force_named_instruction_set();

}  // namespace
