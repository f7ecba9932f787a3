#include "dragoman/data/input_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "dragoman/data/error.h"

namespace dragoman {

namespace {

bool is_regular(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

int temporary_file() {
  std::error_code ignored;
  auto folder = std::filesystem::temp_directory_path(ignored);
  if (folder.empty()) folder = "/tmp";
  std::string name = (folder / "dragoman-stdin-XXXXXX").string();
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) {
    throw SystemError(fmt::format("{}: standard input cannot be spooled there: {}. Set TMPDIR.",
                                  folder.string(), std::strerror(errno)));
  }
  ::unlink(name.c_str());
  return descriptor;
}

void write_all(int descriptor, const char* bytes, std::size_t size) {
  while (size > 0) {
    const auto count = ::write(descriptor, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      throw SystemError(
          fmt::format("standard input: cannot be spooled to a temporary file: {}. Set "
                      "TMPDIR to a folder with more space.",
                      std::strerror(errno)));
    }
    bytes += count;
    size -= static_cast<std::size_t>(count);
  }
}

/// Copies the rest of standard input to a file and puts that file in its place.
void spool_standard_input() {
  const int spool = temporary_file();
  try {
    std::vector<char> buffer(1 << 20);
    for (;;) {
      const auto count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        throw DataError(fmt::format("standard input: cannot be read: {}.", std::strerror(errno)));
      }
      if (count == 0) break;
      write_all(spool, buffer.data(), static_cast<std::size_t>(count));
    }
    if (::lseek(spool, 0, SEEK_SET) < 0 || ::dup2(spool, STDIN_FILENO) < 0) {
      throw SystemError(
          fmt::format("standard input: cannot be spooled: {}.", std::strerror(errno)));
    }
  } catch (...) {
    ::close(spool);
    throw;
  }
  ::close(spool);
}

}  // namespace

std::shared_ptr<const InputFile> InputFile::open(const std::string& path, Access access) {
  const bool is_standard = path == "-";
  if (is_standard && access == Access::seekable && !is_regular(STDIN_FILENO)) {
    spool_standard_input();
  }
  const int descriptor = is_standard ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                     : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::string name = is_standard ? "standard input" : path;
  if (descriptor < 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      throw DataError(fmt::format("{}: no such file. Check the path.", name));
    }
    throw DataError(fmt::format("{}: cannot be read: {}.", name, std::strerror(errno)));
  }
  std::shared_ptr<const InputFile> file(new InputFile(descriptor, std::move(name)));
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode)) {
    throw DataError(fmt::format("{}: is a folder, not a file.", file->name()));
  }
  if (access == Access::seekable && !file->is_seekable()) {
    throw DataError(
        fmt::format("{}: is a pipe or device, which can be read only once, but a corpus is "
                    "read several times. Write it to a file, or give it as standard input.",
                    file->name()));
  }
  return file;
}

InputFile::InputFile(int descriptor, std::string name)
    : descriptor_(descriptor), name_(std::move(name)), is_seekable_(is_regular(descriptor)) {
  if (is_seekable_) start_ = ::lseek(descriptor_, 0, SEEK_CUR);
}

InputFile::~InputFile() {
  ::close(descriptor_);
}

std::size_t InputFile::read(char* bytes, std::size_t size, std::int64_t offset) const {
  for (;;) {
    const auto count = is_seekable_ ? ::pread(descriptor_, bytes, size, start_ + offset)
                                    : ::read(descriptor_, bytes, size);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EINTR) continue;
    throw DataError(fmt::format("{}: cannot be read: {}.", name_, std::strerror(errno)));
  }
}

}  // namespace dragoman
