#include "dragoman/data/doctor/line_traits.h"

#include <unicode/uchar.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "dragoman/data/doctor/characters.h"

namespace dragoman {

namespace {

using Byte = unsigned char;

bool is_ascii_letter(Byte byte) {
  return static_cast<Byte>((byte | 0x20) - 'a') < 26;
}

/// The script that text is told by; Japanese mixes three.
std::int32_t script_of(UChar32 character) {
  UErrorCode status = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(character, &status);
  if (U_FAILURE(status) || script == USCRIPT_COMMON || script == USCRIPT_INHERITED ||
      script == USCRIPT_UNKNOWN)
    return LineTraits::kNoScript;
  if (script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA || script == USCRIPT_BOPOMOFO ||
      script == USCRIPT_KATAKANA_OR_HIRAGANA)
    return USCRIPT_HAN;
  return script;
}

/// Letters by script; a line has few.
class ScriptCounts {
 public:
  void add(std::int32_t script, std::int64_t letters = 1) {
    for (Count& count : counts_)
      if (count.script == script || count.letters == 0) {
        count = {script, count.letters + letters};
        return;
      }
  }
  [[nodiscard]] std::int32_t most() const {
    const auto most = std::ranges::max_element(counts_, {}, &Count::letters);
    return most->letters == 0 ? LineTraits::kNoScript : most->script;
  }

 private:
  struct Count {
    std::int32_t script = LineTraits::kNoScript;
    std::int64_t letters = 0;
  };
  std::array<Count, 8> counts_{};
};

/// The byte that Windows-1252 has for a character, 0 when it is above ASCII in neither.
Byte windows_1252(UChar32 character) {
  constexpr std::array<std::uint16_t, 32> kHigh{
      0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
      0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
      0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
  if (character >= 0x80 && character <= 0xFF) return static_cast<Byte>(character);
  const auto found = std::ranges::find(kHigh, character);
  return found == kHigh.end() ? Byte{0} : static_cast<Byte>(0x80 + (found - kHigh.begin()));
}

/// Does what begins at `at` look like UTF-8 that was read as Windows-1252? A character of two
/// bytes could be a letter before a quotation mark (Spaß“), so one of the Latin-1 range is asked
/// for, or two in a row.
bool begins_mojibake(std::string_view line, std::size_t at) {
  std::array<UChar32, 4> characters{};
  std::array<Byte, 4> bytes{};
  auto place = static_cast<std::int32_t>(at);
  for (std::size_t index = 0; index < bytes.size() && place < std::ssize(line); ++index) {
    characters[index] = next_character(line, place);
    bytes[index] = windows_1252(characters[index]);
  }
  const auto continues = [&](std::size_t index) { return (bytes[index] & 0xC0) == 0x80; };
  if (bytes[0] == 0xC2 || bytes[0] == 0xC3)
    return continues(1) && characters[1] < 0x2000 && characters[1] != 0xAB && characters[1] != 0xBB;
  if (bytes[0] >= 0xC4 && bytes[0] <= 0xDF)
    return continues(1) && bytes[2] >= 0xC4 && bytes[2] <= 0xDF && continues(3);
  return bytes[0] >= 0xE0 && bytes[0] <= 0xEF && continues(1) && continues(2);
}

bool is_unusual_space(UChar32 character) {
  constexpr std::array<UChar32, 5> kInvisible{0x00AD, 0x200B, 0x2060, 0xFEFF, 0x180E};
  if (character < 0x80) return character == '\t';
  return u_charType(character) == U_SPACE_SEPARATOR ||
         std::ranges::count(kInvisible, character) > 0;
}

bool is_control(UChar32 character) {
  if (character < 0x80) return (character < 0x20 && character != '\t') || character == 0x7F;
  return character <= 0x9F || character == 0x2028 || character == 0x2029;
}

void note_first(std::size_t& first, std::size_t at) {
  if (first == LineTraits::kNone) first = at;
}

void examine_characters(std::string_view line, LineTraits& traits) {
  ScriptCounts scripts;
  std::int64_t latin = 0;
  std::int64_t characters = 0;
  const auto size = static_cast<std::int32_t>(line.size());
  for (std::int32_t at = 0; at < size; ++characters) {
    const auto begin = static_cast<std::size_t>(at);
    const auto byte = static_cast<Byte>(line[begin]);
    if (byte < 0x80) {
      ++at;
      if (is_ascii_letter(byte)) ++latin;
      if (byte > ' ' && byte != 0x7F) {
        traits.is_blank = false;
        traits.has_digit |= byte >= '0' && byte <= '9';
      } else if (is_control(byte)) {
        note_first(traits.control, begin);
      } else if (byte == '\t') {
        note_first(traits.unusual_space, begin);
      }
      continue;
    }
    const UChar32 character = next_character(line, at);
    traits.is_ascii = false;
    const std::int32_t script = script_of(character);
    if (script != LineTraits::kNoScript) scripts.add(script);
    if (is_control(character)) note_first(traits.control, begin);
    if (is_unusual_space(character))
      note_first(traits.unusual_space, begin);
    else
      traits.is_blank = false;
    if (traits.mojibake == LineTraits::kNone &&
        (character == 0xFFFD ||
         (character >= 0xC2 && character <= 0xEF && begins_mojibake(line, begin))))
      traits.mojibake = begin;
  }
  if (latin > 0) scripts.add(USCRIPT_LATIN, latin);
  traits.characters = characters;
  traits.script = scripts.most();
}

}  // namespace

LineTraits examine_line(std::string_view line) {
  LineTraits traits;
  if (line.empty()) return traits;
  examine_characters(line, traits);
  traits.has_loose_spaces =
      line.front() == ' ' || line.back() == ' ' || line.find("  ") != std::string_view::npos;
  return traits;
}

std::string script_name(std::int32_t script) {
  if (script == USCRIPT_HAN) return "Chinese or Japanese characters";
  const char* name = uscript_getName(static_cast<UScriptCode>(script));
  return name == nullptr ? "no script" : name;
}

}  // namespace dragoman
