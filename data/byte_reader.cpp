#include "dragoman/data/byte_reader.h"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "dragoman/data/error.h"

namespace dragoman {

namespace {

constexpr std::size_t kBufferSize = 1 << 18;
constexpr std::string_view kGzip = "\x1f\x8b";

struct ForeignFormat {
  std::string_view magic;
  std::string_view message;
};
constexpr auto kForeignFormats = std::to_array<ForeignFormat>(
    {{"BZh", "is compressed with bzip2. Only gzip is read: unpack it with bunzip2"},
     {"\xFD"
      "7zXZ",
      "is compressed with xz. Only gzip is read: unpack it with unxz"},
     {"\x28\xB5\x2F\xFD", "is compressed with zstd. Only gzip is read: unpack it with unzstd"},
     {"PK\x03\x04", "is a zip archive. Unpack it"},
     {"\xFF\xFE", "is UTF-16. Convert it with iconv -f UTF-16 -t UTF-8"},
     {"\xFE\xFF", "is UTF-16. Convert it with iconv -f UTF-16 -t UTF-8"}});

bool may_become_magic(std::string_view start) {
  const auto goes_on = [start](std::string_view magic) {
    return start.size() < magic.size() && magic.starts_with(start);
  };
  return goes_on(kGzip) || std::any_of(kForeignFormats.begin(), kForeignFormats.end(),
                                       [&](const auto& format) { return goes_on(format.magic); });
}

}  // namespace

struct ByteReader::State {
  explicit State(std::shared_ptr<const InputFile> input)
      : file(std::move(input)), raw(kBufferSize) {
    // No further than needed: somebody may be typing the first line.
    while (may_become_magic({raw.data(), raw_end}) && fill()) {
    }
    const std::string_view start(raw.data(), raw_end);
    for (const auto& [magic, message] : kForeignFormats) {
      if (start.starts_with(magic)) throw DataError(fmt::format("{}: {}.", file->name(), message));
    }
    is_gzip = start.starts_with(kGzip);
    if (is_gzip) start_inflating();
  }
  ~State() {
    if (is_inflating) ::inflateEnd(&zlib);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::shared_ptr<const InputFile> file;
  std::vector<char> raw;  ///< bytes of the file that were read ahead
  std::size_t raw_begin = 0;
  std::size_t raw_end = 0;
  std::int64_t file_offset = 0;  ///< of raw[raw_end]
  std::int64_t offset = 0;
  bool is_gzip = false;
  bool is_inflating = false;
  z_stream zlib{};

  /// Appends to `raw`; false at the end of the file.
  bool fill() {
    if (raw_begin == raw_end) raw_begin = raw_end = 0;
    const std::size_t count = file->read(raw.data() + raw_end, raw.size() - raw_end, file_offset);
    raw_end += count;
    file_offset += static_cast<std::int64_t>(count);
    return count > 0;
  }

  void start_inflating() {
    if (is_inflating) ::inflateEnd(&zlib);
    zlib = {};
    constexpr int kGzipWindow = 15 + 16;
    if (::inflateInit2(&zlib, kGzipWindow) != Z_OK) throw SystemError("zlib: out of memory.");
    is_inflating = true;
  }

  /// gzip files may be concatenated. False at the end of the last one.
  bool start_next_member() {
    while (raw_end - raw_begin < kGzip.size()) {
      if (raw_begin > 0) {
        std::copy(raw.begin() + static_cast<std::ptrdiff_t>(raw_begin),
                  raw.begin() + static_cast<std::ptrdiff_t>(raw_end), raw.begin());
        raw_end -= raw_begin;
        raw_begin = 0;
      }
      if (!fill()) break;
    }
    const std::string_view rest(raw.data() + raw_begin, raw_end - raw_begin);
    if (rest.empty()) return false;
    if (!rest.starts_with(kGzip)) {
      throw DataError(
          fmt::format("{}: bytes that are not gzip follow the compressed data. Compress "
                      "the file again.",
                      file->name()));
    }
    start_inflating();
    return true;
  }

  std::size_t read_gzip(char* bytes, std::size_t size) {
    if (!is_inflating) return 0;
    zlib.next_out = reinterpret_cast<Bytef*>(bytes);
    zlib.avail_out = static_cast<uInt>(std::min<std::size_t>(size, 1U << 30));
    const uInt wanted = zlib.avail_out;
    while (zlib.avail_out == wanted) {
      if (raw_begin == raw_end && !fill()) {
        throw DataError(
            fmt::format("{}: the gzip data end too early, after {} uncompressed bytes. "
                        "The file is truncated: copy it again.",
                        file->name(), offset));
      }
      zlib.next_in = reinterpret_cast<Bytef*>(raw.data() + raw_begin);
      zlib.avail_in = static_cast<uInt>(raw_end - raw_begin);
      const int result = ::inflate(&zlib, Z_NO_FLUSH);
      raw_begin = raw_end - zlib.avail_in;
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        throw DataError(
            fmt::format("{}: the gzip data are damaged ({}), after {} uncompressed bytes. "
                        "Copy the file again.",
                        file->name(), zlib.msg != nullptr ? zlib.msg : "no reason given", offset));
      }
      if (result == Z_STREAM_END) {
        const uInt left = zlib.avail_out;
        auto* const place = zlib.next_out;
        if (!start_next_member()) {
          ::inflateEnd(&zlib);
          is_inflating = false;
          return wanted - left;
        }
        zlib.next_out = place;
        zlib.avail_out = left;
      }
    }
    return wanted - zlib.avail_out;
  }

  std::size_t read_plain(char* bytes, std::size_t size) {
    if (raw_begin == raw_end) {
      if (size >= raw.size()) {  // no copy for large reads
        const std::size_t count = file->read(bytes, size, file_offset);
        file_offset += static_cast<std::int64_t>(count);
        return count;
      }
      if (!fill()) return 0;
    }
    const std::size_t count = std::min(size, raw_end - raw_begin);
    std::memcpy(bytes, raw.data() + raw_begin, count);
    raw_begin += count;
    return count;
  }

  std::size_t read(char* bytes, std::size_t size) {
    const std::size_t count = is_gzip ? read_gzip(bytes, size) : read_plain(bytes, size);
    offset += static_cast<std::int64_t>(count);
    return count;
  }

  void rewind() {
    if (!file->is_seekable()) {
      throw DataError(fmt::format("{}: cannot be read twice. Give a file.", file->name()));
    }
    raw_begin = raw_end = 0;
    file_offset = offset = 0;
    if (is_gzip) start_inflating();
  }

  void skip(std::int64_t count) {
    std::vector<char> dropped(kBufferSize);
    while (count > 0) {
      const auto size = std::min<std::int64_t>(count, std::ssize(dropped));
      const std::size_t got = read(dropped.data(), static_cast<std::size_t>(size));
      if (got == 0) {
        throw DataError(
            fmt::format("{}: has {} bytes, but {} were expected. The file has changed: "
                        "restore it.",
                        file->name(), offset, offset + count));
      }
      count -= static_cast<std::int64_t>(got);
    }
  }
};

ByteReader::ByteReader(std::shared_ptr<const InputFile> file)
    : state_(std::make_unique<State>(std::move(file))) {}
ByteReader::~ByteReader() = default;
ByteReader::ByteReader(ByteReader&&) noexcept = default;
ByteReader& ByteReader::operator=(ByteReader&&) noexcept = default;

std::size_t ByteReader::read(char* bytes, std::size_t size) {
  return size == 0 ? 0 : state_->read(bytes, size);
}

std::int64_t ByteReader::offset() const {
  return state_->offset;
}

void ByteReader::seek(std::int64_t offset) {
  State& state = *state_;
  if (offset == state.offset) return;
  if (!state.is_gzip && state.file->is_seekable()) {
    state.rewind();
    state.file_offset = state.offset = offset;
    return;
  }
  if (offset < state.offset) state.rewind();
  state.skip(offset - state.offset);
}

const InputFile& ByteReader::file() const {
  return *state_->file;
}

}  // namespace dragoman
