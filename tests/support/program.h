// Runs the dragoman program as a user does.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "tests/support/temporary_folder.h"

namespace dragoman_test {

struct ProgramResult {
  int status = -1;
  std::string out;
  std::string err;
};

/// Runs shell `text`, in which $DRAGOMAN is the program, in `folder`, where out and err are left.
inline ProgramResult run_shell(const TemporaryFolder& folder, const std::string& text) {
  const auto command = "export DRAGOMAN='" DRAGOMAN_PROGRAM "'; cd '" + folder.path() + "' && { " +
                       text + "; } >out 2>err </dev/null";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), folder.read("out"),
          folder.read("err")};
}

/// `arguments` is shell text and may redirect.
inline ProgramResult run_program(const TemporaryFolder& folder, const std::string& arguments) {
  return run_shell(folder, "\"$DRAGOMAN\" " + arguments);
}

}  // namespace dragoman_test
