// Tiny random models of Python's transformers, for the tests of import.
#pragma once

#include <sys/wait.h>

#include <string>

#include "tests/support/catch.h"
#include "tests/support/python.h"
#include "tests/support/temporary_folder.h"

namespace dragoman_test {

/// Writes each of `families` (inference/import_reference.py says which there are; "t5:bin") into a
/// folder of its name. False: there is no transformers.
inline bool make_foreign_models(const TemporaryFolder& folder, const std::string& families) {
  if (python().empty()) return false;
  const int status = run_python(
      DRAGOMAN_SOURCE_DIR "/tests/inference/import_reference.py",
      folder.path().append(" ").append(families).append(" 2>").append(folder.path("python.err")));
  if (WEXITSTATUS(status) == 77) return false;
  INFO(folder.read("python.err"));
  REQUIRE(status == 0);
  return true;
}

}  // namespace dragoman_test
