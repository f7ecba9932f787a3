// What this program was built from and what it runs on.
#pragma once

#include <string>

#include "dragoman/data/log.h"

namespace dragoman {

[[nodiscard]] std::string version_text();
/// One "name: value" a line.
[[nodiscard]] std::string build_info();
/// What a run's log keeps of it, to tell one run's figures from another's.
[[nodiscard]] LogFields environment();

}  // namespace dragoman
