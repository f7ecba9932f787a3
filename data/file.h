// Whole files, safely: reading with the path in errors, writing through a temporary name.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace dragoman {

/// Throws DataError when the file is missing or unreadable.
[[nodiscard]] std::string read_file(const std::string& path);

/// Writes to a temporary name in the same folder, flushes to disk, renames over `path`. Throws
/// SystemError; an older file at `path` stays whole until the new one is complete.
void write_file_atomically(const std::string& path, std::string_view content);

/// The same, piece by piece. Without `commit` the destructor removes the temporary file. A `path`
/// that exists and is no regular file (/dev/null, a pipe) is written in place.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* bytes, std::size_t size);
  void commit();

 private:
  [[noreturn]] void fail(int error) const;
  void write_through(const char* bytes, std::size_t size);

  std::string path_;
  std::string temporary_;  ///< empty: written in place, or renamed already
  std::string buffer_;
  int descriptor_ = -1;
};

/// Removes what writers that were killed left in `folder`: temporary files of processes that are
/// gone.
void remove_stale_temporaries(const std::string& folder);

}  // namespace dragoman
