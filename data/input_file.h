// An open file for reading that several readers can share, each at its own place; standard input
// becomes such a file by being spooled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace dragoman {

class InputFile {
 public:
  /// stream: standard input is read as it comes; seekable: it is first copied to a temporary file
  /// without a name, which takes its place in the process, so that "-" can be opened again.
  enum class Access { stream, seekable };

  /// `path` "-" is standard input. Throws DataError (missing, a folder, no permission; a pipe when
  /// it must be seekable).
  [[nodiscard]] static std::shared_ptr<const InputFile> open(const std::string& path,
                                                             Access access);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }  ///< for messages
  [[nodiscard]] bool is_seekable() const { return is_seekable_; }
  /// At most `size` bytes from `offset` on; 0 at the end. A file that is not seekable ignores
  /// `offset`. Throws DataError.
  [[nodiscard]] std::size_t read(char* bytes, std::size_t size, std::int64_t offset) const;

 private:
  InputFile(int descriptor, std::string name);

  int descriptor_;
  std::string name_;
  bool is_seekable_ = false;
  std::int64_t start_ = 0;  ///< where the descriptor stood when it was opened
};

}  // namespace dragoman
