#include "dragoman/data/metrics/tokenize.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace dragoman {

std::u32string to_code_points(std::string_view text) {
  std::u32string result;
  result.reserve(text.size());
  const auto length = static_cast<std::int64_t>(text.size());
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  std::int64_t position = 0;
  while (position < length) {
    UChar32 character = 0;
    U8_NEXT_OR_FFFD(bytes, position, length, character);
    result.push_back(static_cast<char32_t>(character));
  }
  return result;
}

std::string to_utf8(std::u32string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char32_t character : text) {
    std::array<char, 4> bytes{};
    int length = 0;
    U8_APPEND_UNSAFE(bytes.data(), length, static_cast<UChar32>(character));
    result.append(bytes.data(), static_cast<std::size_t>(length));
  }
  return result;
}

bool is_space(char32_t character) {
  if (character <= 0x20)
    return character == 0x20 || (character >= 0x09 && character <= 0x0d) ||
           (character >= 0x1c && character <= 0x1f);
  if (character < 0x85) return false;
  return character == 0x85 || character == 0xa0 || character == 0x1680 ||
         (character >= 0x2000 && character <= 0x200a) || character == 0x2028 ||
         character == 0x2029 || character == 0x202f || character == 0x205f || character == 0x3000;
}

std::u32string to_lower(std::u32string text) {
  const bool ascii = std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x80; });
  if (ascii) {
    for (char32_t& character : text) {
      if (character >= U'A' && character <= U'Z') character += U'a' - U'A';
    }
    return text;
  }
  auto wide = icu::UnicodeString::fromUTF32(reinterpret_cast<const UChar32*>(text.data()),
                                            static_cast<std::int32_t>(text.size()));
  wide.toLower(icu::Locale::getRoot());
  std::u32string result;
  result.reserve(text.size());
  for (std::int32_t position = 0; position < wide.length();
       position = wide.moveIndex32(position, 1))
    result.push_back(static_cast<char32_t>(wide.char32At(position)));
  return result;
}

std::u32string_view strip_right(std::u32string_view text) {
  while (!text.empty() && is_space(text.back()))
    text.remove_suffix(1);
  return text;
}

std::u32string_view strip(std::u32string_view text) {
  text = strip_right(text);
  while (!text.empty() && is_space(text.front()))
    text.remove_prefix(1);
  return text;
}

std::vector<std::u32string_view> split(std::u32string_view text) {
  std::vector<std::u32string_view> words;
  std::size_t position = 0;
  while (position < text.size()) {
    if (is_space(text[position])) {
      ++position;
      continue;
    }
    const std::size_t start = position;
    while (position < text.size() && !is_space(text[position]))
      ++position;
    words.push_back(text.substr(start, position - start));
  }
  return words;
}

std::u32string replace_all(std::u32string_view text, std::u32string_view from,
                           std::u32string_view to) {
  std::u32string result;
  std::size_t position = 0;
  while (true) {
    const std::size_t found = text.find(from, position);
    result += text.substr(position, found - position);
    if (found == std::u32string_view::npos) return result;
    result += to;
    position = found + from.size();
  }
}

namespace {

/// Surrounds with spaces every character for which `chosen` holds.
template <typename Chosen>
std::u32string set_apart(std::u32string_view text, Chosen chosen) {
  std::u32string result;
  result.reserve(text.size() + text.size() / 2);
  for (const char32_t character : text) {
    if (chosen(character)) {
      result += {U' ', character, U' '};
    } else {
      result += character;
    }
  }
  return result;
}

/// Replaces pairs of characters from the left, as a regular expression does: the second of a pair
/// is never the first of the next. `Before` puts a space before the first as well, `After` after
/// the second.
enum class Pad { before, after };
template <Pad pad, typename First, typename Second>
std::u32string part_pairs(std::u32string_view text, First first, Second second) {
  std::u32string result;
  result.reserve(text.size() + text.size() / 2);
  std::size_t position = 0;
  while (position < text.size()) {
    const bool pair =
        position + 1 < text.size() && first(text[position]) && second(text[position + 1]);
    if (!pair) {
      result += text[position++];
      continue;
    }
    if (pad == Pad::before) result += U' ';
    result += {text[position], U' ', text[position + 1]};
    if (pad == Pad::after) result += U' ';
    position += 2;
  }
  return result;
}

bool is_ascii_digit(char32_t character) {
  return character >= U'0' && character <= U'9';
}

std::u32string tokenize_13a_line(std::u32string_view line) {
  std::u32string text = replace_all(line, U"<skipped>", U"");
  text = replace_all(text, U"-\n", U"");
  text = replace_all(text, U"\n", U" ");
  if (text.find(U'&') != std::u32string::npos) {
    text = replace_all(text, U"&quot;", U"\"");
    text = replace_all(text, U"&amp;", U"&");
    text = replace_all(text, U"&lt;", U"<");
    text = replace_all(text, U"&gt;", U">");
  }
  return split_periods_and_dashes(split_ascii_punctuation(U" " + text + U" "));
}

/// mteval-v14's: punctuation is split off unless it stands between numbers; symbols always.
std::u32string tokenize_international(std::u32string_view line) {
  const auto category = [](char32_t c, std::uint32_t mask) {
    return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0;
  };
  const auto punctuation = [&](char32_t c) { return category(c, U_GC_P_MASK); };
  const auto no_number = [&](char32_t c) { return !category(c, U_GC_N_MASK); };
  const auto symbol = [&](char32_t c) { return category(c, U_GC_S_MASK); };
  std::u32string text = part_pairs<Pad::after>(line, no_number, punctuation);
  text = part_pairs<Pad::before>(text, punctuation, no_number);
  return set_apart(text, symbol);
}

/// sacreBLEU writes the last two blocks as u'\u20000' and u'\u2f800', which are four-digit escapes
/// and a digit; compared as strings they are the ranges here, and scores have to agree.
constexpr std::pair<char32_t, char32_t> kChineseRanges[] = {
    {0x3400, 0x4db5}, {0x4e00, 0x9fa5}, {0x9fa6, 0x9fbb}, {0xf900, 0xfa2d}, {0xfa30, 0xfa6a},
    {0xfa70, 0xfad9}, {0xff00, 0xffef}, {0x2e80, 0x2eff}, {0x3000, 0x303f}, {0x31c0, 0x31ef},
    {0x2f00, 0x2fdf}, {0x2ff0, 0x2fff}, {0x3100, 0x312f}, {0x31a0, 0x31bf}, {0xfe10, 0xfe1f},
    {0xfe30, 0xfe4f}, {0x2600, 0x26ff}, {0x2700, 0x27bf}, {0x3200, 0x32ff}, {0x3300, 0x33ff},
    {0x2001, 0x2a6d}, {0x2f81, 0x2fa1}};

std::u32string tokenize_chinese(std::u32string_view line) {
  const auto chinese = [](char32_t character) {
    return std::any_of(
        std::begin(kChineseRanges), std::end(kChineseRanges),
        [&](const auto& range) { return range.first <= character && character <= range.second; });
  };
  return split_periods_and_dashes(split_ascii_punctuation(set_apart(strip(line), chinese)));
}

}  // namespace

std::u32string split_ascii_punctuation(std::u32string_view text) {
  return set_apart(text, [](char32_t c) {
    return (c >= U'{' && c <= U'~') || (c >= U'[' && c <= U'`') || (c >= U' ' && c <= U'&') ||
           (c >= U'(' && c <= U'+') || (c >= U':' && c <= U'@') || c == U'/';
  });
}

std::u32string split_periods_and_dashes(std::u32string_view text) {
  const auto no_digit = [](char32_t c) { return !is_ascii_digit(c); };
  const auto period = [](char32_t c) { return c == U'.' || c == U','; };
  const auto dash = [](char32_t c) { return c == U'-'; };
  std::u32string result = part_pairs<Pad::after>(text, no_digit, period);
  result = part_pairs<Pad::before>(result, period, no_digit);
  return part_pairs<Pad::after>(result, is_ascii_digit, dash);
}

std::u32string tokenize_for_bleu(std::u32string_view text, BleuTokenizer tokenizer) {
  switch (tokenizer) {
    case BleuTokenizer::v13a:
      return tokenize_13a_line(text);
    case BleuTokenizer::intl:
      return tokenize_international(text);
    case BleuTokenizer::character:
      return set_apart(text, [](char32_t) { return true; });
    case BleuTokenizer::zh:
      return tokenize_chinese(text);
    case BleuTokenizer::none:
      break;
  }
  return std::u32string(text);
}

}  // namespace dragoman
