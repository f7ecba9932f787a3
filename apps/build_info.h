// What this program was built from and what it runs on.
#pragma once

#include <string>

namespace dragoman {

[[nodiscard]] std::string version_text();
/// One "name: value" a line.
[[nodiscard]] std::string build_info();

}  // namespace dragoman
