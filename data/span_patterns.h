// Parts of a text that must not be changed: web addresses, numbers, placeholders, or what regular
// expressions say. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/text_range.h"

namespace dragoman {

class SpanPatterns {
 public:
  SpanPatterns() = default;
  /// Each is a name (url, email, number, placeholder, tag) or a regular expression in ICU's syntax.
  /// Throws UsageError that names the expression and where it is wrong.
  explicit SpanPatterns(const std::vector<std::string>& patterns);

  [[nodiscard]] bool empty() const { return patterns_ == nullptr; }
  /// Matches in the order of the text, none empty, none overlapping: of overlapping ones the
  /// earlier, then the longer. Throws UsageError when an expression takes too long on `text`.
  [[nodiscard]] std::vector<TextRange> find(std::string_view text) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> patterns_;
};

}  // namespace dragoman
