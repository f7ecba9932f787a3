#include "tests/fuzz/damage.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <utility>

#include "dragoman/data/zip_reader.h"

namespace dragoman_test {
namespace {

constexpr std::array<std::uint64_t, 14> kEdges = {
    0,          1,          0x7f,       0x80,        0xff,       0x7fff,     0xffff,
    0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 1ULL << 40, 1ULL << 62, ~std::uint64_t{0}};

std::string little_endian(std::uint64_t value, std::size_t size) {
  std::string bytes;
  for (std::size_t place = 0; place < size; ++place)
    bytes += static_cast<char>((value >> (8 * place)) & 0xff);
  return bytes;
}

std::uint64_t edge(Random& random) {
  return kEdges[draw(random, kEdges.size())] - (draw(random, 4) == 0 ? 1 : 0);
}

/// Begin and length of a part of `size` bytes.
std::pair<std::size_t, std::size_t> part(std::size_t size, Random& random) {
  const std::size_t begin = draw(random, size);
  const std::size_t longest = draw(random, 2) == 0 ? 8 : size;
  return {begin, draw(random, std::min(longest, size - begin) + 1)};
}

void damage_once(std::string& bytes, Random& random) {
  if (bytes.empty()) {
    bytes = std::string(1 + draw(random, 8), static_cast<char>(random()));
    return;
  }
  const auto [begin, length] = part(bytes.size(), random);
  switch (draw(random, 8)) {
    case 0:
      bytes[begin] = static_cast<char>(bytes[begin] ^ (1 << draw(random, 8)));
      break;
    case 1:
      bytes[begin] = static_cast<char>(random());
      break;
    case 2: {
      const std::string number = little_endian(edge(random), std::size_t{1} << draw(random, 4));
      for (std::size_t place = 0; place < std::min(number.size(), bytes.size() - begin); ++place)
        bytes[begin + place] = number[place];
      break;
    }
    case 3:
      bytes.resize(begin);
      break;
    case 4:
      bytes.erase(begin, length);
      break;
    case 5:
      bytes.insert(begin, bytes.substr(begin, length));
      break;
    case 6:
      std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(begin), length,
                  static_cast<char>(draw(random, 2) == 0 ? 0 : random()));
      break;
    default: {
      const auto [other, other_length] = part(bytes.size(), random);
      for (std::size_t place = 0; place < std::min(length, other_length); ++place)
        std::swap(bytes[begin + place], bytes[other + place]);
    }
  }
}

/// Begin and length of a word: letters and digits, or one other character.
std::pair<std::size_t, std::size_t> word(const std::string& text, Random& random) {
  std::size_t begin = draw(random, text.size());
  const auto is_inner = [&text](std::size_t place) {
    const auto letter = static_cast<unsigned char>(text[place]);
    return std::isalnum(letter) != 0 || letter == '_' || letter == '.' || letter == '-';
  };
  if (!is_inner(begin)) return {begin, 1};
  while (begin > 0 && is_inner(begin - 1))
    --begin;
  std::size_t end = begin;
  while (end < text.size() && is_inner(end))
    ++end;
  return {begin, end - begin};
}

std::string strange_value(Random& random) {
  const std::array<std::string, 22> values = {"0",
                                              "-1",
                                              "1",
                                              "2",
                                              "1000",
                                              "1048576",
                                              "9223372036854775807",
                                              "1e308",
                                              "1e999",
                                              "-0.0",
                                              "NaN",
                                              "null",
                                              "true",
                                              "[]",
                                              "{}",
                                              "\"\"",
                                              "\"\xff\"",
                                              "\"\\ud800\"",
                                              "\"\\u0000\"",
                                              "99999999999999999999",
                                              "0.5",
                                              "\"linear\""};
  const std::size_t choice = draw(random, values.size() + 2);
  if (choice < values.size()) return values[choice];
  const std::size_t depth = std::size_t{1} << draw(random, 18);
  if (choice == values.size()) return std::string(depth, '[') + std::string(depth, ']');
  std::string nested;
  for (std::size_t level = 0; level < depth; ++level)
    nested += "{\"a\":";
  return nested + "1" + std::string(depth, '}');
}

/// Fields of a zip file's structures that are written as one draws.
class ZipWriter {
 public:
  explicit ZipWriter(Random* lies) : lies_(lies) {}

  std::string write(const std::vector<ZipMember>& members) {
    if (lies_ != nullptr) lie_at_ = draw(*lies_, 24 * members.size() + 8);
    const bool is_zip64 = lies_ != nullptr && draw(*lies_, 3) == 0;
    for (const ZipMember& member : members)
      add(member, is_zip64);
    const std::uint64_t start = bytes_.size();
    bytes_ += directory_;
    const std::uint64_t size = bytes_.size() - start;
    if (is_zip64) {
      const std::uint64_t end64 = bytes_.size();
      bytes_ += "PK\6\6" + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 4) +
                number(0, 4) + number(members.size(), 8) + number(members.size(), 8) +
                number(size, 8) + number(start, 8);
      bytes_ += "PK\6\7" + number(0, 4) + number(end64, 8) + number(1, 4);
    }
    bytes_ += "PK\5\6" + number(0, 2) + number(0, 2) + number(members.size(), 2) +
              number(members.size(), 2) + number(is_zip64 ? 0xffffffff : size, 4) +
              number(is_zip64 ? 0xffffffff : start, 4) + number(0, 2);
    return bytes_;
  }

 private:
  std::string number(std::uint64_t value, std::size_t size) {
    if (lies_ != nullptr && written_++ == lie_at_)
      value = draw(*lies_, 2) == 0 ? edge(*lies_) : value + 1 - 2 * draw(*lies_, 2);
    return little_endian(value, size);
  }

  void add(const ZipMember& member, bool is_zip64) {
    const auto checksum =
        crc32_z(0, reinterpret_cast<const Bytef*>(member.content.data()), member.content.size());
    const std::uint64_t header = bytes_.size();
    std::string packed = member.content;
    const bool is_deflated = lies_ != nullptr && draw(*lies_, 8) == 0;
    if (is_deflated) {
      // Raw deflate, as zip files have it: what compress2 writes less its header and checksum.
      uLongf size = compressBound(member.content.size());
      packed.resize(size);
      compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                reinterpret_cast<const Bytef*>(member.content.data()), member.content.size(), 6);
      packed = packed.substr(2, size - 6);
      if (draw(*lies_, 4) == 0) packed = damage_bytes(packed, *lies_);
    }
    const std::string common =
        number(0, 2) + number(is_deflated ? 8 : 0, 2) + number(0, 4) + number(checksum, 4);
    bytes_ += "PK\3\4" + number(20, 2) + common + number(packed.size(), 4) +
              number(member.content.size(), 4) + number(member.name.size(), 2) + number(0, 2) +
              member.name + packed;
    std::string extra;
    if (is_zip64)
      extra = number(1, 2) + number(24, 2) + number(member.content.size(), 8) +
              number(packed.size(), 8) + number(header, 8);
    directory_ += "PK\1\2" + number(20, 2) + number(20, 2) + common +
                  number(is_zip64 ? 0xffffffff : packed.size(), 4) +
                  number(is_zip64 ? 0xffffffff : member.content.size(), 4) +
                  number(member.name.size(), 2) + number(extra.size(), 2) + number(0, 2) +
                  number(0, 2) + number(0, 2) + number(0, 4) +
                  number(is_zip64 ? 0xffffffff : header, 4) + member.name + extra;
  }

  Random* lies_;
  std::size_t written_ = 0;
  std::size_t lie_at_ = 0;
  std::string bytes_;
  std::string directory_;
};

}  // namespace

std::size_t draw(Random& random, std::size_t count) {
  return static_cast<std::size_t>(random() % count);
}

std::string damage_bytes(std::string bytes, Random& random) {
  const std::size_t longest = 2 * bytes.size() + 1000;
  for (std::size_t times = 1 + draw(random, 3); times > 0; --times)
    damage_once(bytes, random);
  bytes.resize(std::min(bytes.size(), longest));
  return bytes;
}

std::string damage_json(std::string text, Random& random) {
  for (std::size_t times = 1 + draw(random, 3); times > 0; --times) {
    if (text.empty()) return strange_value(random);
    const auto [begin, length] = word(text, random);
    switch (draw(random, 5)) {
      case 0:
        text.erase(begin, length);
        break;
      case 1: {
        const auto [other, other_length] = word(text, random);
        text.replace(begin, length, text.substr(other, other_length));
        break;
      }
      case 2:
        text = damage_bytes(std::move(text), random);
        break;
      default:
        text.replace(begin, length, strange_value(random));
    }
  }
  return text;
}

std::string damage_tokenizer(const std::string& bytes, Random& random) {
  const std::size_t edge = std::min<std::size_t>(bytes.size() / 2, 1200);
  switch (draw(random, 3)) {
    case 0:
      return damage_bytes(bytes.substr(0, edge), random) + bytes.substr(edge);
    case 1:
      return bytes.substr(0, bytes.size() - edge) +
             damage_bytes(bytes.substr(bytes.size() - edge), random);
    default:
      return damage_bytes(bytes, random);
  }
}

std::vector<ZipMember> read_members(const std::string& path) {
  const dragoman::ZipReader zip(path);
  std::vector<ZipMember> members;
  for (const auto& [name, record] : zip.records())
    members.push_back({name, zip.read(name, record)});
  return members;
}

std::string zip_of(const std::vector<ZipMember>& members, Random* lies) {
  return ZipWriter(lies).write(members);
}

}  // namespace dragoman_test
