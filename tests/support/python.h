// Runs Python with PyTorch, for checks against an independent implementation.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace dragoman_test {

/// The interpreter: DRAGOMAN_PYTHON from the environment, else the project's virtual environment;
/// "" when there is none.
inline std::string python() {
  const char* given = std::getenv("DRAGOMAN_PYTHON");
  const std::string path = given != nullptr ? given : DRAGOMAN_SOURCE_DIR "/.venv/bin/python";
  return std::filesystem::exists(path) ? path : "";
}

/// Exit status of `python script arguments`.
inline int run_python(const std::string& script, const std::string& arguments) {
  std::string command = "'";
  command.append(python()).append("' '").append(script).append("' ").append(arguments);
  return std::system(command.c_str());
}

}  // namespace dragoman_test
