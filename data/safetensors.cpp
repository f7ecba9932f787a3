#include "dragoman/data/safetensors.h"

#include <ATen/ops/empty.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/data/input_file.h"
#include "dragoman/data/json_object.h"

namespace dragoman {

namespace {

using Json = nlohmann::json;

// What the reference implementation allows.
constexpr std::uint64_t kMaxHeaderSize = 100'000'000;
constexpr std::size_t kMaxAxes = 64;

constexpr auto kTypes = std::to_array<std::pair<std::string_view, c10::ScalarType>>(
    {{"F64", c10::ScalarType::Double},
     {"F32", c10::ScalarType::Float},
     {"F16", c10::ScalarType::Half},
     {"BF16", c10::ScalarType::BFloat16},
     {"I64", c10::ScalarType::Long},
     {"I32", c10::ScalarType::Int},
     {"I16", c10::ScalarType::Short},
     {"I8", c10::ScalarType::Char},
     {"U8", c10::ScalarType::Byte},
     {"BOOL", c10::ScalarType::Bool}});

class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::string& path) : path_(path) {
    try {
      file_ = InputFile::open(path, InputFile::Access::seekable);
    } catch (const DataError& error) {
      throw ModelError(error.what());
    }
  }

  std::map<std::string, at::Tensor> read() {
    const std::string start = bytes(0, 8);
    std::uint64_t header_size = 0;
    for (std::size_t index = start.size(); index-- > 0;)
      header_size = (header_size << 8) | static_cast<unsigned char>(start[index]);
    if (header_size > kMaxHeaderSize)
      fail(fmt::format("its header has {} bytes, at most {} are allowed", header_size,
                       kMaxHeaderSize));
    const Json header = parse_json_object(bytes(8, header_size), path_ + ": header");
    begin_ = 8 + header_size;
    for (const auto& [name, entry] : header.items())
      if (name != "__metadata__") entries_.push_back(described(name, entry));
    check_cover();
    std::map<std::string, at::Tensor> tensors;
    for (const Entry& entry : entries_)
      tensors.emplace(entry.name, tensor(entry));
    return tensors;
  }

 private:
  struct Entry {
    std::string name;
    c10::ScalarType type;
    std::vector<std::int64_t> shape;
    std::int64_t begin;
    std::int64_t end;
  };

  [[noreturn]] void fail(const std::string& problem) const {
    throw ModelError(fmt::format(
        "{}: is no safetensors file that can be read: {}. Take another copy.", path_, problem));
  }

  /// In parts, so that a size that the file does not have takes no memory.
  void read_into(std::uint64_t offset, std::uint64_t size, auto&& take) const {
    constexpr std::uint64_t kPart = 1 << 24;
    std::vector<char> part(std::min(size, kPart));
    while (size > 0) {
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, part.size()));
      const std::size_t count = file_->read(part.data(), wanted, static_cast<std::int64_t>(offset));
      if (count == 0) fail(fmt::format("it ends at byte {}, which is too early", offset));
      take(part.data(), count);
      offset += count;
      size -= count;
    }
  }

  [[nodiscard]] std::string bytes(std::uint64_t offset, std::uint64_t size) const {
    std::string result;
    read_into(offset, size,
              [&](const char* part, std::size_t count) { result.append(part, count); });
    return result;
  }

  /// A list of whole numbers that are not negative.
  [[nodiscard]] std::vector<std::int64_t> numbers(const std::string& name, const Json& entry,
                                                  const char* key) const {
    std::vector<std::int64_t> values;
    const auto found = entry.is_object() ? entry.find(key) : entry.end();
    const bool is_list = entry.is_object() && found != entry.end() && found->is_array();
    if (!is_list || found->size() > kMaxAxes) fail(fmt::format("{} has no {}", name, key));
    for (const Json& value : *found) {
      const bool fits = value.is_number_unsigned() &&
                        value.get<std::uint64_t>() <=
                            static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      if (!fits) fail(fmt::format("{} has a {} that is no list of sizes", name, key));
      values.push_back(value.get<std::int64_t>());
    }
    return values;
  }

  [[nodiscard]] c10::ScalarType type_of(const std::string& name, const Json& entry) const {
    const auto found = entry.find("dtype");
    if (found == entry.end() || !found->is_string()) fail(name + " has no dtype");
    for (const auto& [text, type] : kTypes)
      if (*found == text) return type;
    fail(fmt::format("{} has the unknown type {}", name, found->get<std::string>()));
  }

  [[nodiscard]] Entry described(const std::string& name, const Json& entry) const {
    const std::vector<std::int64_t> shape = numbers(name, entry, "shape");
    const std::vector<std::int64_t> offsets = numbers(name, entry, "data_offsets");
    const c10::ScalarType type = type_of(name, entry);
    auto needed = static_cast<std::int64_t>(c10::elementSize(type));
    bool fits = offsets.size() == 2 && offsets[0] <= offsets[1];
    for (const std::int64_t size : shape)
      fits = fits && !__builtin_mul_overflow(needed, size, &needed);
    fits = fits && needed == offsets[1] - offsets[0];
    if (!fits)
      fail(fmt::format("{} with shape [{}] does not fit its bytes {}", name, fmt::join(shape, ", "),
                       fmt::join(offsets, " to ")));
    return {name, type, shape, offsets[0], offsets[1]};
  }

  [[nodiscard]] at::Tensor tensor(const Entry& entry) const {
    at::Tensor result = at::empty(entry.shape, entry.type);
    auto* into = static_cast<char*>(result.mutable_data_ptr());
    bool is_bool = true;
    read_into(begin_ + static_cast<std::uint64_t>(entry.begin),
              static_cast<std::uint64_t>(entry.end - entry.begin),
              [&](const char* part, std::size_t count) {
                is_bool = is_bool && std::all_of(part, part + count,
                                                 [](char byte) { return byte == 0 || byte == 1; });
                std::memcpy(into, part, count);
                into += count;
              });
    if (entry.type == c10::ScalarType::Bool && !is_bool)
      fail(entry.name + " is of type BOOL and holds other values");
    return result;
  }

  /// The bytes of the tensors are those of the file, each once. Before memory is taken for them.
  void check_cover() const {
    std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
    for (const Entry& entry : entries_)
      ranges.emplace_back(entry.begin, entry.end);
    std::ranges::sort(ranges);
    std::int64_t covered = 0;
    for (const auto& [begin, end] : ranges) {
      if (begin != covered) fail("its tensors overlap, or leave bytes out");
      covered = end;
    }
    std::int64_t end = 0;
    if (__builtin_add_overflow(static_cast<std::int64_t>(begin_), covered, &end))
      fail("it is truncated");
    char byte = 0;
    if (covered > 0 && file_->read(&byte, 1, end - 1) != 1) fail("it is truncated");
    if (file_->read(&byte, 1, end) != 0) fail("it has bytes that belong to no tensor");
  }

  const std::string& path_;
  std::shared_ptr<const InputFile> file_;
  std::uint64_t begin_ = 0;  ///< of the tensors' bytes
  std::vector<Entry> entries_;
};

}  // namespace

std::map<std::string, at::Tensor> load_safetensors(const std::string& path) {
  return SafetensorsFile(path).read();
}

}  // namespace dragoman
