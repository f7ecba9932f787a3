#include "dragoman/data/zip_reader.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <vector>

#include "dragoman/data/error.h"

namespace dragoman {

namespace {

// Sizes and signatures from PKWARE's APPNOTE.TXT, sections 4.3.7 to 4.3.16.
constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kDirectoryEntry = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50;
constexpr std::uint32_t kEnd64 = 0x06064b50;
constexpr std::uint32_t kEnd64Locator = 0x07064b50;
constexpr std::uint64_t kLocalHeaderSize = 30;
constexpr std::uint64_t kDirectoryEntrySize = 46;
constexpr std::uint64_t kEndSize = 22;
constexpr std::uint64_t kEnd64Size = 56;
constexpr std::uint64_t kEnd64LocatorSize = 20;
constexpr std::uint64_t kMaxDirectorySize = 256 << 20;
constexpr std::uint64_t kMaxDeflateRatio = 1032;
constexpr std::uint32_t kUnknown32 = 0xffffffff;

template <typename T>
T little_endian(const std::string& bytes, std::size_t at) {
  T value = 0;
  for (std::size_t index = sizeof(T); index-- > 0;) {
    value = static_cast<T>((static_cast<std::uint64_t>(value) << 8) |
                           static_cast<unsigned char>(bytes.at(at + index)));
  }
  return value;
}

std::uint16_t u16(const std::string& bytes, std::size_t at) {
  return little_endian<std::uint16_t>(bytes, at);
}
std::uint32_t u32(const std::string& bytes, std::size_t at) {
  return little_endian<std::uint32_t>(bytes, at);
}
std::uint64_t u64(const std::string& bytes, std::size_t at) {
  return little_endian<std::uint64_t>(bytes, at);
}

/// Takes the 64-bit sizes from the extra field of a directory entry; false when they are not there.
bool read_zip64_extra(const std::string& extra, ZipReader::Record& record) {
  std::size_t at = 0;
  while (at + 4 <= extra.size()) {
    const std::size_t length = u16(extra, at + 2);
    const std::size_t end = at + 4 + length;
    if (end > extra.size()) return false;
    if (u16(extra, at) != 1) {
      at = end;
      continue;
    }
    at += 4;
    for (auto* field : {&record.size, &record.packed_size, &record.header}) {
      if (*field != kUnknown32) continue;
      if (at + 8 > end) return false;
      *field = u64(extra, at);
      at += 8;
    }
    return true;
  }
  return false;
}

std::uint32_t checksum_of(const void* bytes, std::size_t size) {
  return static_cast<std::uint32_t>(crc32_z(0, static_cast<const Bytef*>(bytes), size));
}

}  // namespace

ZipReader::ZipReader(const std::string& path) : path_(path) {
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0 && (errno == ENOENT || errno == ENOTDIR)) {
    throw ModelError(fmt::format("{}: no such file. Check the path of the model.", path));
  }
  if (descriptor_ < 0) fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  try {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) fail(std::strerror(errno));
    if (S_ISDIR(status.st_mode)) fail("is a folder, not a model file. Name the .pt file in it");
    if (!S_ISREG(status.st_mode)) fail("is not a regular file");
    file_size_ = static_cast<std::uint64_t>(status.st_size);
    if (file_size_ == 0) fail("is empty. Was its writer interrupted? Take another checkpoint");
    read_directory(find_directory());
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

ZipReader::~ZipReader() {
  ::close(descriptor_);
}

void ZipReader::fail(std::string_view problem) const {
  throw ModelError(fmt::format("{}: {}.", path_, problem));
}

void ZipReader::read_at(std::uint64_t offset, void* into, std::uint64_t size) const {
  if (offset > file_size_ || size > file_size_ - offset) {
    fail(fmt::format("is damaged: it refers to byte {} of {}. Take another copy",
                     offset > file_size_ ? offset : offset + size, file_size_));
  }
  auto* bytes = static_cast<char*>(into);
  while (size > 0) {
    const auto count = ::pread(descriptor_, bytes, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw SystemError(fmt::format("{}: {}.", path_, std::strerror(errno)));
    if (count == 0) fail("became shorter while it was read");
    bytes += count;
    offset += static_cast<std::uint64_t>(count);
    size -= static_cast<std::uint64_t>(count);
  }
}

ZipReader::Directory ZipReader::find_directory() const {
  // The last record of a zip file is followed only by a comment of at most 65535 bytes.
  const auto tail_size = std::min<std::uint64_t>(file_size_, kEndSize + 65535);
  std::string tail(tail_size, '\0');
  read_at(file_size_ - tail_size, tail.data(), tail_size);
  std::uint64_t end = 0;
  bool is_found = false;
  for (std::uint64_t at = tail_size + 1 >= kEndSize ? tail_size - kEndSize + 1 : 0;
       at-- > 0 && !is_found;) {
    is_found = u32(tail, at) == kEnd && at + kEndSize + u16(tail, at + 20) == tail_size;
    end = at;
  }
  if (!is_found) {
    std::string start(4, '\0');
    if (file_size_ >= 4) read_at(0, start.data(), 4);
    if (u32(start, 0) == kLocalHeader) {
      fail("is truncated: the directory at its end is missing. Take another copy");
    }
    fail(
        "is no model file (not a TorchScript archive). Give a .pt file that Dragoman or "
        "torch.jit.save wrote");
  }
  Directory directory{u32(tail, end + 16), u32(tail, end + 12), u16(tail, end + 10)};
  const std::uint64_t end_offset = file_size_ - tail_size + end;
  std::uint64_t directory_end = end_offset;
  const bool has_locator =
      end >= kEnd64LocatorSize && u32(tail, end - kEnd64LocatorSize) == kEnd64Locator;
  if (has_locator) {
    directory_end = u64(tail, end - kEnd64LocatorSize + 8);
    std::string end64(kEnd64Size, '\0');
    read_at(directory_end, end64.data(), kEnd64Size);
    if (u32(end64, 0) != kEnd64) fail("is damaged: its zip64 directory is not where it should be");
    directory = {u64(end64, 48), u64(end64, 40), u64(end64, 32)};
  }
  if (directory.offset > directory_end || directory.size != directory_end - directory.offset ||
      directory.size > kMaxDirectorySize ||
      directory.records > directory.size / kDirectoryEntrySize) {
    fail("is damaged: the directory at its end contradicts itself. Take another copy");
  }
  return directory;
}

void ZipReader::read_directory(const Directory& directory) {
  directory_offset_ = directory.offset;
  std::string bytes(directory.size, '\0');
  read_at(directory.offset, bytes.data(), directory.size);
  std::size_t at = 0;
  std::uint64_t room =
      directory_offset_;  // records share no bytes, so that small files stay small in memory
  for (std::uint64_t index = 0; index < directory.records; ++index) {
    if (bytes.size() - at < kDirectoryEntrySize || u32(bytes, at) != kDirectoryEntry) {
      fail(fmt::format("is damaged: entry {} of its directory is broken", index));
    }
    const std::size_t name_size = u16(bytes, at + 28);
    const std::size_t extra_size = u16(bytes, at + 30);
    const std::size_t entry_size =
        kDirectoryEntrySize + name_size + extra_size + u16(bytes, at + 32);
    const auto method = u16(bytes, at + 10);
    const bool is_encrypted = (u16(bytes, at + 8) & 1) != 0;
    if (bytes.size() - at < entry_size || is_encrypted || (method != 0 && method != 8)) {
      fail(fmt::format("is damaged: entry {} of its directory is broken or of an unknown kind",
                       index));
    }
    Record record{u32(bytes, at + 24), u32(bytes, at + 20), u32(bytes, at + 42), 0,
                  u32(bytes, at + 16), method == 8};
    const bool is_large = record.size == kUnknown32 || record.packed_size == kUnknown32 ||
                          record.header == kUnknown32;
    const auto name = bytes.substr(at + kDirectoryEntrySize, name_size);
    const auto extra = bytes.substr(at + kDirectoryEntrySize + name_size, extra_size);
    if (is_large && !read_zip64_extra(extra, record)) {
      fail(fmt::format("is damaged: the size of record {} is missing", name));
    }
    const bool fits = record.header < directory_offset_ && record.packed_size <= room &&
                      (record.is_deflated ? record.size / kMaxDeflateRatio <= record.packed_size
                                          : record.size == record.packed_size);
    if (!fits) fail(fmt::format("is damaged: record {} does not fit into the file", name));
    room -= record.packed_size;
    if (!records_.emplace(name, record).second) {
      fail(fmt::format("is damaged: it has two records {}", name));
    }
    at += entry_size;
  }
  if (at != bytes.size()) fail("is damaged: its directory has bytes to spare");
  for (auto& [name, record] : records_)
    record.start = find_start(name, record);
}

void ZipReader::inflate_at(std::uint64_t offset, const Record& record, void* into) const {
  std::vector<char> packed(record.packed_size);
  read_at(offset, packed.data(), packed.size());
  constexpr auto kLimit = std::numeric_limits<uInt>::max();
  if (record.packed_size > kLimit || record.size > kLimit)
    fail("has a compressed record above 4 GiB");
  z_stream stream{};
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = static_cast<Bytef*>(into);
  stream.avail_out = static_cast<uInt>(record.size);
  // Minus: no zlib header, as zip files have it.
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  const int result = inflate(&stream, Z_FINISH);
  const auto written = stream.total_out;
  inflateEnd(&stream);
  if (result != Z_STREAM_END || written != record.size)
    fail("is damaged: a record does not unpack");
}

std::uint64_t ZipReader::find_start(const std::string& name, const Record& record) const {
  std::string header(kLocalHeaderSize, '\0');
  read_at(record.header, header.data(), header.size());
  const std::size_t name_size = u16(header, 26);
  std::string local_name(name_size, '\0');
  read_at(record.header + kLocalHeaderSize, local_name.data(), name_size);
  if (u32(header, 0) != kLocalHeader || local_name != name ||
      (u16(header, 8) == 8) != record.is_deflated) {
    fail(fmt::format("is damaged: record {} is not where the directory says. Take another copy",
                     name));
  }
  const std::uint64_t start = record.header + kLocalHeaderSize + name_size + u16(header, 28);
  if (start > directory_offset_ || record.packed_size > directory_offset_ - start) {
    fail(fmt::format("is damaged: record {} does not fit into the file", name));
  }
  return start;
}

void ZipReader::read(const std::string& name, const Record& record, void* into) const {
  if (record.is_deflated) {
    inflate_at(record.start, record, into);
  } else {
    read_at(record.start, into, record.size);
  }
  const auto checksum = checksum_of(into, record.size);
  if (checksum != record.checksum) {
    fail(fmt::format(
        "is damaged: record {} has checksum {:08x}, should have {:08x}. Take another copy", name,
        checksum, record.checksum));
  }
}

std::string ZipReader::read(const std::string& name, const Record& record) const {
  std::string content(record.size, '\0');
  read(name, record, content.data());
  return content;
}

}  // namespace dragoman
