#include "dragoman/data/span_patterns.h"

#include <fmt/format.h>
#include <unicode/regex.h>
#include <unicode/utext.h>

#include <algorithm>
#include <array>
#include <utility>

#include "dragoman/data/error.h"

namespace dragoman {

namespace {

/// Steps of ICU's matcher, about a millisecond each, and bytes of its stack: expressions of users
/// can be exponential.
constexpr std::int32_t kTimeLimit = 2000;
constexpr std::int32_t kStackLimit = 8 << 20;

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNamed{{
    {"url", R"re(\b(?:(?:https?|ftp)://|www\.)[^\s<>"']*[^\s<>"'.,;:!?)\]}])re"},
    {"email", R"re([\w.+-]+@[\w-]+(?:\.[\w-]+)+)re"},
    {"number", R"re((?<![\w.,])[-+]?\d+(?:[.,:/]\d+)*%?(?!\w))re"},
    {"placeholder", R"re(\$?\{[^{}\s]*\}|%(?:\d+\$)?[-+#0]*\d*(?:\.\d+)?[sdifuxXeEgGc@](?!\w))re"},
    {"tag", R"re(</?[A-Za-z][^<>]*>)re"},
}};

std::string_view expression(const std::string& pattern) {
  const auto named = std::ranges::find(kNamed, std::string_view(pattern),
                                       &std::pair<std::string_view, std::string_view>::first);
  return named == kNamed.end() ? std::string_view(pattern) : named->second;
}

}  // namespace

struct SpanPatterns::Compiled {
  std::vector<std::string> names;
  std::vector<std::unique_ptr<icu::RegexPattern>> expressions;
};

SpanPatterns::SpanPatterns(const std::vector<std::string>& patterns) {
  if (patterns.empty()) return;
  auto compiled = std::make_shared<Compiled>();
  for (const std::string& pattern : patterns) {
    UErrorCode status = U_ZERO_ERROR;
    UParseError where{};
    const std::string_view text = expression(pattern);
    std::unique_ptr<icu::RegexPattern> made(icu::RegexPattern::compile(
        icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(text.size())}), 0,
        where, status));
    if (U_FAILURE(status))
      throw UsageError(fmt::format(
          "protect: \"{}\" is no name (url, email, number, placeholder, tag) and no regular "
          "expression: {} at character {}. Correct it; in JSON each backslash is written twice.",
          pattern, u_errorName(status), where.offset));
    compiled->names.push_back(pattern);
    compiled->expressions.push_back(std::move(made));
  }
  patterns_ = std::move(compiled);
}

std::vector<TextRange> SpanPatterns::find(std::string_view text) const {
  std::vector<TextRange> found;
  if (empty() || text.empty()) return found;
  for (std::size_t index = 0; index < patterns_->expressions.size(); ++index) {
    UErrorCode status = U_ZERO_ERROR;
    UText utext = UTEXT_INITIALIZER;
    utext_openUTF8(&utext, text.data(), static_cast<std::int64_t>(text.size()), &status);
    const std::unique_ptr<icu::RegexMatcher> matcher(
        patterns_->expressions[index]->matcher(status));
    matcher->setTimeLimit(kTimeLimit, status);
    matcher->setStackLimit(kStackLimit, status);
    matcher->reset(&utext);
    while (U_SUCCESS(status) && matcher->find(status)) {
      const auto begin = static_cast<std::size_t>(matcher->start64(status));
      const auto end = static_cast<std::size_t>(matcher->end64(status));
      if (begin < end) found.push_back({begin, end});
    }
    utext_close(&utext);
    if (U_FAILURE(status))
      throw UsageError(fmt::format(
          "protect: \"{}\" takes too long on a text of {} bytes ({}). Write it without nested "
          "repetitions.",
          patterns_->names[index], text.size(), u_errorName(status)));
  }
  std::ranges::sort(found, [](const TextRange& left, const TextRange& right) {
    return left.begin != right.begin ? left.begin < right.begin : left.end > right.end;
  });
  std::vector<TextRange> kept;
  for (const TextRange& range : found)
    if (kept.empty() || range.begin >= kept.back().end) kept.push_back(range);
  return kept;
}

}  // namespace dragoman
