#include "dragoman/data/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "dragoman/data/error.h"

namespace dragoman {

namespace {

constexpr std::size_t kFileBuffer = 1 << 20;

/// Owns a descriptor for reading.
struct Descriptor {
  int number = -1;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

[[noreturn]] void fail_reading(const std::string& path, int error) {
  if (error == ENOENT || error == ENOTDIR) {
    throw DataError(fmt::format("{}: no such file. Check the path.", path));
  }
  throw DataError(fmt::format("{}: cannot be read: {}.", path, std::strerror(error)));
}

std::filesystem::path folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? std::filesystem::path(".") : folder;
}

std::string temporary_name(const std::string& path, int attempt) {
  const auto name = std::filesystem::path(path).filename().string();
  return (folder_of(path) / fmt::format(".{}.{}-{}.tmp", name, ::getpid(), attempt)).string();
}

/// The process in ".NAME.PID-ATTEMPT.tmp"; 0 for any other name.
pid_t writer_of(std::string_view name) {
  if (!name.starts_with('.') || !name.ends_with(".tmp")) return 0;
  name.remove_suffix(4);
  const auto dash = name.rfind('-');
  const auto dot = dash == std::string_view::npos ? dash : name.rfind('.', dash);
  if (dot == std::string_view::npos || dot + 1 >= dash) return 0;
  pid_t process = 0;
  const auto digits = name.substr(dot + 1, dash - dot - 1);
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), process);
  return error == std::errc() && end == digits.end() ? process : 0;
}

}  // namespace

std::string read_file(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.number < 0) fail_reading(path, errno);
  struct stat status {};
  if (::fstat(file.number, &status) != 0) fail_reading(path, errno);
  if (S_ISDIR(status.st_mode)) {
    throw DataError(fmt::format("{}: is a folder, not a file.", path));
  }
  // The size is a hint only: pipes have none, and the file may be growing.
  std::string content;
  std::size_t used = 0;
  content.resize(static_cast<std::size_t>(std::max<off_t>(status.st_size, 0)) + 1);
  for (;;) {
    if (used == content.size()) content.resize(2 * content.size() + kFileBuffer);
    const auto count = ::read(file.number, content.data() + used, content.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_reading(path, errno);
    if (count == 0) break;
    used += static_cast<std::size_t>(count);
  }
  content.resize(used);
  return content;
}

void write_file_atomically(const std::string& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content.data(), content.size());
  file.commit();
}

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) fail(EISDIR);
  if (exists && !S_ISREG(status.st_mode)) {
    descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail(errno);
    return;
  }
  for (int attempt = 0; descriptor_ < 0; ++attempt) {
    temporary_ = temporary_name(path, attempt);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && (errno != EEXIST || attempt == 1000)) {
      temporary_.clear();
      fail(errno);
    }
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::fail(int error) const {
  std::string advice;
  if (error == ENOSPC || error == EDQUOT)
    advice = " Free some space; an older file was left as it was.";
  if (error == ENOENT || error == ENOTDIR)
    advice = fmt::format(" Is {} a folder?", folder_of(path_).string());
  throw SystemError(
      fmt::format("{}: cannot be written: {}.{}", path_, std::strerror(error), advice));
}

void AtomicFile::write_through(const char* bytes, std::size_t size) {
  while (size > 0) {
    const auto count = ::write(descriptor_, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno);
    bytes += count;
    size -= static_cast<std::size_t>(count);
  }
}

void AtomicFile::write(const void* bytes, std::size_t size) {
  const auto* data = static_cast<const char*>(bytes);
  if (buffer_.size() + size <= kFileBuffer) {
    buffer_.append(data, size);
    return;
  }
  write_through(buffer_.data(), buffer_.size());
  buffer_.clear();
  if (size >= kFileBuffer) {
    write_through(data, size);
  } else {
    buffer_.assign(data, size);
  }
}

void AtomicFile::commit() {
  write_through(buffer_.data(), buffer_.size());
  buffer_.clear();
  // Devices and pipes cannot be flushed to disk.
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != EROFS) fail(errno);
  const int closed = ::close(descriptor_);
  descriptor_ = -1;
  if (closed != 0 && errno != EINTR) fail(errno);
  if (temporary_.empty()) return;
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(errno);
  temporary_.clear();
  // The new name itself is on disk only once the folder is.
  const Descriptor folder{::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.number >= 0 && ::fsync(folder.number) != 0 && errno != EINVAL) fail(errno);
}

void remove_stale_temporaries(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const pid_t writer = writer_of(entry.path().filename().string());
    const bool is_gone = writer > 0 && ::kill(writer, 0) != 0 && errno == ESRCH;
    if (is_gone) std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace dragoman
