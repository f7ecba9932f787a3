#include "dragoman/data/line_reader.h"

#include <fmt/core.h>

#include <cstring>
#include <string_view>
#include <utility>

#include "dragoman/data/byte_reader.h"
#include "dragoman/data/error.h"
#include "dragoman/data/utf8.h"

namespace dragoman {

namespace {

constexpr std::size_t kLineBuffer = 1 << 17;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

struct LineReader::State {
  State(std::shared_ptr<const InputFile> file, InvalidText policy)
      : bytes(std::move(file)), invalid_text(policy), buffer(kLineBuffer) {}

  ByteReader bytes;
  InvalidText invalid_text;
  std::vector<char> buffer;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::int64_t line_number = 0;
  std::int64_t repaired = 0;

  [[nodiscard]] std::int64_t offset() const {
    return bytes.offset() - static_cast<std::int64_t>(end - begin);
  }

  [[nodiscard]] std::string where() const {
    return fmt::format("{}:{}", bytes.file().name(), line_number);
  }

  /// The bytes up to the next "\n"; false at the end.
  bool read_raw(std::string& line) {
    line.clear();
    bool found_any = false;
    for (;;) {
      if (begin == end) {
        begin = 0;
        end = bytes.read(buffer.data(), buffer.size());
        if (end == 0) return found_any;
      }
      found_any = true;
      const char* const start = buffer.data() + begin;
      const auto* const stop = static_cast<const char*>(std::memchr(start, '\n', end - begin));
      const std::size_t length =
          stop != nullptr ? static_cast<std::size_t>(stop - start) : end - begin;
      line.append(start, length);
      begin += length;
      if (stop != nullptr) {
        ++begin;
        return true;
      }
    }
  }

  void check(std::string& line) {
    const std::size_t bad = find_bad_text(line);
    if (bad == std::string::npos) return;
    if (invalid_text == InvalidText::replace) {
      line = repair_text(line);
      ++repaired;
      return;
    }
    const auto byte = static_cast<unsigned char>(line[bad]);
    const std::string what =
        byte == 0 ? "a NUL byte" : fmt::format("byte 0x{:02X} is not UTF-8", byte);
    throw DataError(
        fmt::format("{}: {} at byte {} of the line. Repair the text, or set "
                    "data.invalid_text to \"replace\".",
                    where(), what, bad + 1));
  }

  bool next(std::string& line) {
    const bool is_first = offset() == 0;
    if (!read_raw(line)) return false;
    ++line_number;
    if (line.ends_with('\r')) line.pop_back();
    if (is_first && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
    check(line);
    return true;
  }
};

LineReader::LineReader(const std::string& path, InvalidText invalid_text)
    : LineReader(InputFile::open(path, InputFile::Access::stream), invalid_text) {}
LineReader::LineReader(std::shared_ptr<const InputFile> file, InvalidText invalid_text)
    : state_(std::make_unique<State>(std::move(file), invalid_text)) {}
LineReader::~LineReader() = default;
LineReader::LineReader(LineReader&&) noexcept = default;
LineReader& LineReader::operator=(LineReader&&) noexcept = default;

bool LineReader::next(std::string& line) {
  return state_->next(line);
}
std::int64_t LineReader::line_number() const {
  return state_->line_number;
}
std::int64_t LineReader::repaired() const {
  return state_->repaired;
}
std::int64_t LineReader::offset() const {
  return state_->offset();
}
std::string LineReader::where() const {
  return state_->where();
}

void LineReader::seek(std::int64_t offset, std::int64_t line_number) {
  State& state = *state_;
  state.bytes.seek(offset);
  state.begin = state.end = 0;
  state.line_number = line_number;
}

std::vector<std::string> read_lines(const std::string& path, InvalidText invalid_text) {
  LineReader reader(path, invalid_text);
  std::vector<std::string> lines;
  std::string line;
  while (reader.next(line))
    lines.push_back(line);
  return lines;
}

}  // namespace dragoman
