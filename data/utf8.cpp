#include "dragoman/data/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace dragoman {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// How far the bytes at `text` go along with UTF-8.
struct Sequence {
  std::size_t length = 1;  ///< of the character, or of the ill-formed part
  bool is_valid = false;
};

/// The table of well-formed sequences (Unicode 15, table 3-7); the second byte has the special
/// cases.
Sequence read_sequence(std::string_view text) {
  const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {1, first != 0};
  if (first < 0xC2 || first > 0xF4) return {1, false};
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  unsigned char lowest = 0x80;
  unsigned char highest = 0xBF;
  if (first == 0xE0) lowest = 0xA0;
  if (first == 0xED) highest = 0x9F;
  if (first == 0xF0) lowest = 0x90;
  if (first == 0xF4) highest = 0x8F;
  for (std::size_t at = 1; at < length; ++at) {
    if (at == text.size() || byte(at) < lowest || byte(at) > highest) return {at, false};
    lowest = 0x80;
    highest = 0xBF;
  }
  return {length, true};
}

/// Length of the start of `text` that is ASCII without NUL, in steps of 8.
std::size_t plain_prefix(std::string_view text) {
  constexpr std::uint64_t kHigh = 0x8080808080808080U;
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    // With no high bit set, subtracting one from each byte sets a high bit only below a zero byte.
    if (((word | (word - kOnes)) & kHigh) != 0) break;
  }
  return at;
}

}  // namespace

std::size_t find_bad_text(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    at += plain_prefix(text.substr(at));
    const std::size_t stop = std::min(at + 8, text.size());
    while (at < stop) {
      const Sequence sequence = read_sequence(text.substr(at));
      if (!sequence.is_valid) return at;
      at += sequence.length;
    }
  }
  return std::string_view::npos;
}

std::string repair_text(std::string_view text) {
  std::string repaired;
  repaired.reserve(text.size());
  for (;;) {
    const std::size_t good = std::min(find_bad_text(text), text.size());
    repaired.append(text.substr(0, good));
    text.remove_prefix(good);
    if (text.empty()) return repaired;
    if (text.front() != '\0') repaired.append(kReplacement);
    text.remove_prefix(read_sequence(text).length);
  }
}

std::size_t character_boundary(std::string_view text, std::size_t position) {
  if (position >= text.size()) return text.size();
  while (position > 0 && (static_cast<unsigned char>(text[position]) & 0xC0) == 0x80)
    --position;
  return position;
}

}  // namespace dragoman
