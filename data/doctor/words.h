// Words of a text, in two readings.
#pragma once

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "dragoman/data/doctor/characters.h"

namespace dragoman {

/// Calls `use(word)` for each part of `text` between white space (Unicode's White_Space).
template <typename Use>
void for_each_word(std::string_view text, const Use& use) {
  const auto size = static_cast<std::int32_t>(text.size());
  std::int32_t begin = -1;
  for (std::int32_t at = 0; at < size;) {
    const std::int32_t start = at;
    const auto byte = static_cast<unsigned char>(text[static_cast<std::size_t>(at)]);
    bool is_space = false;
    if (byte < 0x80) {
      ++at;
      is_space = byte == ' ' || (byte >= '\t' && byte <= '\r');
    } else {
      is_space = u_isUWhiteSpace(next_character(text, at)) != 0;
    }
    if (!is_space) {
      if (begin < 0) begin = start;
    } else if (begin >= 0) {
      use(text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(start - begin)));
      begin = -1;
    }
  }
  if (begin >= 0) use(text.substr(static_cast<std::size_t>(begin)));
}

/// Calls `use(word)` for each run of letters and digits of `text` (Unicode's categories L and N),
/// in lower case.
template <typename Use>
void for_each_folded_word(std::string_view text, const Use& use) {
  constexpr auto kFolded = [] {
    std::array<char, 128> table{};
    for (char byte = '0'; byte <= '9'; ++byte)
      table[static_cast<std::size_t>(byte)] = byte;
    for (char byte = 'a'; byte <= 'z'; ++byte)
      table[static_cast<std::size_t>(byte)] = table[static_cast<std::size_t>(byte - 32)] = byte;
    return table;
  }();
  constexpr std::uint32_t kLettersAndNumbers = U_GC_L_MASK | U_GC_N_MASK;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) use(std::string_view(word));
    word.clear();
  };
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t at = 0; at < size;) {
    const auto byte = static_cast<unsigned char>(text[static_cast<std::size_t>(at)]);
    if (byte < 0x80) {
      ++at;
      if (kFolded[byte] != 0)
        word += kFolded[byte];
      else
        end_word();
      continue;
    }
    const UChar32 character = next_character(text, at);
    if (character < 0 || (U_GET_GC_MASK(character) & kLettersAndNumbers) == 0) {
      end_word();
      continue;
    }
    std::array<char, 4> bytes{};
    std::int32_t length = 0;
    U8_APPEND_UNSAFE(bytes.data(), length, u_tolower(character));
    word.append(bytes.data(), static_cast<std::size_t>(length));
  }
  end_word();
}

}  // namespace dragoman
