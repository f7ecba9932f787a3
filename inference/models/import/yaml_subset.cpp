#include "dragoman/inference/models/import/yaml_subset.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

#include "dragoman/data/error.h"
#include "dragoman/data/utf8.h"

namespace dragoman {
namespace {

/// Calls use(line, number) for each line that is neither blank nor a comment.
void for_each_line(std::string_view text, auto&& use) {
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool is_empty = line.empty() || line == std::string_view("\0", 1);
    if (!is_empty && line[0] != '#' && line != "---" && line != "...") use(line, number);
  }
}

[[noreturn]] void refuse_line(const std::string& origin, std::size_t number,
                              std::string_view problem) {
  throw ModelError(
      fmt::format("{}:{}: {}. Of YAML only what Marian writes is read.", origin, number, problem));
}

void append_utf8(std::string& text, std::uint32_t character) {
  if (character < 0x80) {
    text += static_cast<char>(character);
    return;
  }
  const int more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
  constexpr unsigned kFirst[] = {0, 0xC0, 0xE0, 0xF0};
  text += static_cast<char>(kFirst[more] | character >> (6 * more));
  for (int place = more; place-- > 0;)
    text += static_cast<char>(0x80 | (character >> (6 * place) & 0x3F));
}

/// `quoted` begins behind a double quote. Takes what stands before the closing one, which it takes
/// too; false: there is none, or an escape that is not known.
bool take_escaped(std::string_view& quoted, std::string& text) {
  while (!quoted.empty() && quoted[0] != '"') {
    const char letter = quoted[0];
    quoted.remove_prefix(1);
    if (letter != '\\') {
      text += letter;
      continue;
    }
    if (quoted.empty()) return false;
    const char kind = quoted[0];
    quoted.remove_prefix(1);
    const std::size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    if (digits > 0) {
      std::uint32_t character = 0;
      if (quoted.size() < digits) return false;
      const auto [end, error] =
          std::from_chars(quoted.data(), quoted.data() + digits, character, 16);
      if (error != std::errc() || end != quoted.data() + digits || character > 0x10FFFF)
        return false;
      append_utf8(text, character);
      quoted.remove_prefix(digits);
      continue;
    }
    constexpr std::string_view kKinds = "\\\"/ntrabfve0";
    constexpr std::string_view kMeant("\\\"/\n\t\r\a\b\f\v\x1b\0", 12);
    if (const std::size_t place = kKinds.find(kind); place != std::string_view::npos)
      text += kMeant[place];
    else if (kind == '_' || kind == 'N')
      append_utf8(text, kind == '_' ? 0xA0 : 0x85);
    else if (kind == 'L' || kind == 'P')
      append_utf8(text, kind == 'L' ? 0x2028 : 0x2029);
    else
      return false;
  }
  if (quoted.empty()) return false;
  quoted.remove_prefix(1);
  return true;
}

/// Takes a key and the colon behind it; false: there is none.
bool take_key(std::string_view& line, std::string& key) {
  key.clear();
  if (line.starts_with('"')) {
    line.remove_prefix(1);
    if (!take_escaped(line, key)) return false;
  } else if (line.starts_with('\'')) {
    line.remove_prefix(1);
    for (;;) {
      if (line.empty()) return false;
      const bool is_quote = line[0] == '\'';
      if (is_quote && !line.starts_with("''")) break;
      key += line[0];
      line.remove_prefix(is_quote ? 2 : 1);
    }
    line.remove_prefix(1);
  } else {
    const std::size_t colon = line.rfind(':');
    if (colon == std::string_view::npos) return false;
    key = line.substr(0, colon);
    line.remove_prefix(colon);
  }
  if (!line.starts_with(':')) return false;
  line.remove_prefix(1);
  while (line.starts_with(' '))
    line.remove_prefix(1);
  return true;
}

std::string unquoted(std::string_view value) {
  const bool is_quoted = value.size() >= 2 && value.front() == value.back() &&
                         (value.front() == '"' || value.front() == '\'');
  return std::string(is_quoted ? value.substr(1, value.size() - 2) : value);
}

}  // namespace

std::map<std::string, std::vector<std::string>> read_yaml_settings(std::string_view text,
                                                                   const std::string& origin) {
  std::map<std::string, std::vector<std::string>> settings;
  std::string key;
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    const std::size_t indent = line.find_first_not_of(' ');
    if (indent != std::string_view::npos && indent > 0 && line.substr(indent) == "[]") return;
    if (indent != std::string_view::npos && line.substr(indent).starts_with("- ")) {
      if (key.empty()) refuse_line(origin, number, "an item stands under no key");
      settings[key].push_back(unquoted(line.substr(indent + 2)));
      return;
    }
    const std::size_t colon = line.find(':');
    if (indent != 0 || colon == std::string_view::npos || colon == 0)
      refuse_line(origin, number, "is no line with a key");
    key = line.substr(0, colon);
    line.remove_prefix(colon + 1);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (settings.contains(key)) refuse_line(origin, number, "a key stands here a second time");
    settings[key] = {};
    if (!line.empty() && line != "[]") settings[key].push_back(unquoted(line));
  });
  return settings;
}

std::vector<std::string> read_yaml_vocabulary(std::string_view text, const std::string& origin) {
  std::map<std::int64_t, std::string> words;
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    std::string word;
    std::int64_t id = -1;
    if (take_key(line, word)) std::from_chars(line.data(), line.data() + line.size(), id);
    if (id < 0 || word.empty() || find_bad_text(word) != std::string::npos)
      refuse_line(origin, number, "is no word with a number");
    if (!words.emplace(id, std::move(word)).second)
      refuse_line(origin, number, "the number stands here a second time");
  });
  std::vector<std::string> list;
  for (auto& [id, word] : words) {
    if (id != std::ssize(list))
      throw ModelError(fmt::format("{}: no word has the number {}.", origin, list.size()));
    list.push_back(std::move(word));
  }
  return list;
}

}  // namespace dragoman
