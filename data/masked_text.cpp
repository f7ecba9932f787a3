#include "dragoman/data/masked_text.h"

namespace dragoman {

std::string mask_character(std::size_t number) {
  const std::size_t code = 0xF0000 + number;
  std::string utf8{static_cast<char>(0xF0 | code >> 18)};
  for (const int shift : {12, 6, 0})
    utf8 += static_cast<char>(0x80 | (code >> shift & 0x3F));
  return utf8;
}

MaskedText::MaskedText(std::string_view text, std::span<const TextRange> spans,
                       std::span<const std::string> masks) {
  std::size_t at = 0;
  for (std::size_t index = 0; index < spans.size(); ++index) {
    text_.append(text.substr(at, spans[index].begin - at));
    const std::size_t begin = text_.size();
    text_ += masks[index];
    masks_.push_back({masks[index], {begin, text_.size()}, spans[index]});
    at = spans[index].end;
  }
  text_.append(text.substr(at));
}

std::size_t MaskedText::original(std::size_t masked) const {
  std::size_t place = masked;
  for (const Mask& mask : masks_) {
    if (masked <= mask.masked.begin) break;
    if (masked < mask.masked.end) return mask.original.begin;
    place = mask.original.end + (masked - mask.masked.end);
  }
  return place;
}

}  // namespace dragoman
