// A text that grows, cut into parts that are never taken back. Standard library only.
#pragma once

#include <string>
#include <string_view>

namespace dragoman {

class StableText {
 public:
  /// `text`: of all tokens that are sure so far. Returns what follows the parts returned before, as
  /// far as no further token can change it: whitespace at the end may be dropped with the next
  /// token, and U+FFFD there may be the first bytes of a character.
  [[nodiscard]] std::string advance(std::string_view text);
  /// `text`: the whole. Returns the rest. Throws Error unless it begins with the parts returned.
  [[nodiscard]] std::string finish(std::string_view text);

 private:
  std::string given_;
};

}  // namespace dragoman
