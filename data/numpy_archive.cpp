#include "dragoman/data/numpy_archive.h"

#include <ATen/ops/empty.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "dragoman/data/zip_reader.h"

namespace dragoman {

namespace {

// numpy/lib/format.py
constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::uint64_t kMaxHeader = 65536;
constexpr std::size_t kMaxNumpyAxes = 32;
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 38;

constexpr auto kNumpyTypes =
    std::to_array<std::pair<std::string_view, c10::ScalarType>>({{"<f8", c10::ScalarType::Double},
                                                                 {"<f4", c10::ScalarType::Float},
                                                                 {"<f2", c10::ScalarType::Half},
                                                                 {"<i8", c10::ScalarType::Long},
                                                                 {"<i4", c10::ScalarType::Int},
                                                                 {"|i1", c10::ScalarType::Char},
                                                                 {"|u1", c10::ScalarType::Byte}});

/// An array: a header that says what it is, then its numbers.
class NumpyArray {
 public:
  NumpyArray(const ZipReader& zip, std::string_view name, std::string_view bytes)
      : zip_(zip), name_(name), bytes_(bytes) {}

  [[nodiscard]] at::Tensor read() const {
    constexpr std::size_t kVersion = kMagic.size();
    if (bytes_.size() < kVersion + 4 || !bytes_.starts_with(kMagic)) fail("is no array of NumPy");
    const bool is_long = bytes_[kVersion] > 1;
    const std::size_t begin = kVersion + 2 + (is_long ? 4 : 2);
    std::uint64_t length = 0;
    for (std::size_t at = begin; at-- > kVersion + 2;)
      length = length << 8 | (at < bytes_.size() ? static_cast<unsigned char>(bytes_[at]) : 0);
    if (length > kMaxHeader || begin + length > bytes_.size()) fail("has a damaged header");
    const std::string_view header = bytes_.substr(begin, length);
    const std::string_view numbers = bytes_.substr(begin + length);
    if (!value_of(header, "fortran_order").starts_with("False"))
      fail("has its columns before its rows, which is not read");
    const c10::ScalarType type = type_of(value_of(header, "descr"));
    const std::vector<std::int64_t> shape = shape_of(value_of(header, "shape"));
    auto left = static_cast<std::int64_t>(numbers.size());
    std::int64_t needed = static_cast<std::int64_t>(c10::elementSize(type));
    for (const std::int64_t size : shape)
      if (size < 0 || __builtin_mul_overflow(needed, size, &needed)) left = -1;
    if (needed != left || (needed == 0 && shape.size() > 1))
      fail("has a shape that does not fit its bytes");
    at::Tensor tensor = at::empty(shape, type);
    if (needed > 0) std::memcpy(tensor.mutable_data_ptr(), numbers.data(), numbers.size());
    return tensor;
  }

 private:
  [[noreturn]] void fail(std::string_view problem) const {
    zip_.fail(fmt::format("is damaged or of an unknown kind: {} {}", name_, problem));
  }

  /// What stands behind 'key': in the header, a dictionary of Python.
  [[nodiscard]] std::string_view value_of(std::string_view header, std::string_view key) const {
    const std::string quoted = fmt::format("'{}':", key);
    const std::size_t at = header.find(quoted);
    if (at == std::string_view::npos) fail("has a damaged header");
    header.remove_prefix(at + quoted.size());
    header.remove_prefix(std::min(header.find_first_not_of(' '), header.size()));
    return header;
  }

  [[nodiscard]] c10::ScalarType type_of(std::string_view value) const {
    for (const auto& [text, type] : kNumpyTypes)
      if (value.starts_with(fmt::format("'{}'", text))) return type;
    fail("has numbers of an unknown type");
  }

  [[nodiscard]] std::vector<std::int64_t> shape_of(std::string_view value) const {
    const std::size_t end = value.find(')');
    if (!value.starts_with('(') || end == std::string_view::npos) fail("has a damaged header");
    std::vector<std::int64_t> shape;
    const char* at = value.data() + 1;
    const char* const last = value.data() + end;
    while (at != last) {
      if (*at == ' ' || *at == ',') {
        ++at;
        continue;
      }
      std::int64_t size = -1;
      const auto [next, error] = std::from_chars(at, last, size);
      if (error != std::errc() || shape.size() == kMaxNumpyAxes) fail("has a damaged shape");
      shape.push_back(size);
      at = next;
    }
    return shape;
  }

  const ZipReader& zip_;
  std::string_view name_;
  std::string_view bytes_;
};

}  // namespace

std::map<std::string, at::Tensor> load_npz(const std::string& path) {
  const ZipReader zip(path);
  std::map<std::string, at::Tensor> arrays;
  constexpr std::string_view kEnding = ".npy";
  for (const auto& [member, record] : zip.records()) {
    if (record.size > kMaxBytes) zip.fail(fmt::format("has an array {} that is too large", member));
    const std::string bytes = zip.read(member, record);
    const std::string name =
        member.ends_with(kEnding) ? member.substr(0, member.size() - kEnding.size()) : member;
    if (!arrays.emplace(name, NumpyArray(zip, member, bytes).read()).second)
      zip.fail(fmt::format("has two arrays {}", name));
  }
  return arrays;
}

}  // namespace dragoman
