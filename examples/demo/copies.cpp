#include "examples/demo/copies.h"

#include <algorithm>
#include <array>

namespace demo {

namespace {

std::vector<std::string> tokens(std::string_view sentence) {
  std::vector<std::string> found = parts(sentence, ' ');
  for (std::string& token : found) {
    while (!token.empty() && std::string_view(".,?!").find(token.back()) != std::string_view::npos)
      token.pop_back();
  }
  return found;
}

std::size_t byte_of(std::string_view text, std::size_t character) {
  for (std::size_t byte = 0; byte < text.size(); ++byte) {
    const bool begins = (static_cast<unsigned char>(text[byte]) & 0xC0U) != 0x80U;
    if (begins && character-- == 0) return byte;
  }
  return text.size();
}

}  // namespace

std::vector<std::string> parts(std::string_view text, char separator) {
  std::vector<std::string> found;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    found.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return found;
}

bool is_copied(std::string_view word, std::string_view reference, std::string_view output) {
  const std::vector<std::string> given = tokens(output);
  return std::ranges::any_of(tokens(reference), [&](const std::string& token) {
    return token.find(word) != std::string::npos && std::ranges::count(given, token) > 0;
  });
}

std::string marked(std::string_view text, std::span<const CharacterRange> ranges) {
  std::vector<std::array<std::size_t, 3>> spans;  // begin, end, number
  for (const CharacterRange& range : ranges)
    spans.push_back({byte_of(text, range.begin), byte_of(text, range.end), spans.size() + 1});
  std::ranges::sort(spans);
  std::string result;
  std::size_t at = 0;
  for (const auto& [begin, end, number] : spans) {
    if (begin < at) continue;
    result.append(text.substr(at, begin - at)).append("[" + std::to_string(number) + " ");
    result.append(text.substr(begin, end - begin)).append("]");
    at = end;
  }
  return result.append(text.substr(at));
}

}  // namespace demo
