// Command-line flags from a described struct: the field vocabulary_size is the flag
// --vocabulary-size.
#pragma once

#include <string>
#include <vector>

#include "dragoman/data/config.h"

namespace CLI {
class App;
}

namespace dragoman {

/// What was given, as overrides for parse_config. Must outlive the command.
using GivenFlags = std::vector<std::string>;

/// One flag for each plain field of `section` but those in `skipped`; true-or-false fields get --x
/// and
/// --no-x. Help shows the default. Nested structs get none.
void add_field_flags(CLI::App& command, const Section& section, GivenFlags& given,
                     const std::vector<std::string>& skipped = {},
                     const std::string& group = "Options");

/// `defaults` with the flags that were given, checked. Throws UsageError with every problem.
template <Described T>
[[nodiscard]] T with_flags(const T& defaults, const GivenFlags& given) {
  return parse_config<T>(to_json_text(defaults), "command line", given);
}

}  // namespace dragoman
