// Whole files, safely: reading with the path in errors, writing through a temporary name.
#pragma once

#include <string>
#include <string_view>

namespace dragoman {

/// Throws DataError when the file is missing or unreadable.
[[nodiscard]] std::string read_file(const std::string& path);

/// Writes to a temporary name in the same folder, flushes to disk, renames over `path`. Throws
/// SystemError; an older file at `path` stays whole until the new one is complete.
void write_file_atomically(const std::string& path, std::string_view content);

}  // namespace dragoman
