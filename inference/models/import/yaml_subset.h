// The few kinds of YAML that Marian writes: one level of keys, with values or lists of them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace dragoman {

/// "key: value" lines, and keys with a list of "- value" lines below. Throws ModelError, with
/// `origin` and the line, for anything else but comments and blank lines.
[[nodiscard]] std::map<std::string, std::vector<std::string>> read_yaml_settings(
    std::string_view text, const std::string& origin);

/// A vocabulary: "word: number" lines, by number; words may be quoted. Throws ModelError unless the
/// numbers are 0, 1, ..., each once.
[[nodiscard]] std::vector<std::string> read_yaml_vocabulary(std::string_view text,
                                                            const std::string& origin);

}  // namespace dragoman
