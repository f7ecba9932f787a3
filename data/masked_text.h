// A text whose protected parts are each replaced by one character that no tokeniser knows.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/text_range.h"

namespace dragoman {

/// A character of Unicode's private use plane 15 (U+F0000 + number), as UTF-8.
[[nodiscard]] std::string mask_character(std::size_t number);

class MaskedText {
 public:
  struct Mask {
    std::string character;
    TextRange masked;    ///< where it stands in the masked text
    TextRange original;  ///< what it stands for
  };

  /// `spans` are in order and do not overlap; masks[i] replaces spans[i].
  MaskedText(std::string_view text, std::span<const TextRange> spans,
             std::span<const std::string> masks);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::vector<Mask>& masks() const { return masks_; }
  /// The place in the original of a place in the masked text; inside a mask: the mask's begin.
  [[nodiscard]] std::size_t original(std::size_t masked) const;

 private:
  std::string text_;
  std::vector<Mask> masks_;
};

}  // namespace dragoman
