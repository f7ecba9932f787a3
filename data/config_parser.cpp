#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "dragoman/data/config_json.h"
#include "dragoman/data/error.h"

namespace dragoman {

using Json = nlohmann::ordered_json;

namespace {

constexpr int kDeepestNesting = 64;

/// Parses a document; keeps the keys that are given twice, which a JSON object cannot.
class DocumentParser {
 public:
  DocumentParser(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  Json parse() {
    if (text_.find_first_not_of(" \t\r\n") == std::string_view::npos) fail(1, 1, "is empty");
    const auto callback = [this](int depth, Json::parse_event_t event, Json& parsed) {
      if (depth > kDeepestNesting)
        throw UsageError(fmt::format("{}: is nested too deeply.", where_));
      follow(event, parsed);
      return true;
    };
    try {
      auto document =
          Json::parse(text_, callback, /*allow_exceptions=*/true, /*ignore_comments=*/true);
      if (!document.is_object())
        fail(1, 1, fmt::format("must hold an object {{...}}, holds {}", show(document)));
      return document;
    } catch (const Json::parse_error& error) {
      fail_at(error.byte, error.what());
    } catch (const Json::exception& error) {
      throw UsageError(fmt::format("{}: is not valid JSON: {}.", where_, after_tag(error.what())));
    }
  }

  std::vector<std::string> take_duplicates() { return std::move(duplicates_); }

 private:
  void follow(Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::object_start) {
      keys_.emplace_back();
      path_.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      keys_.pop_back();
      path_.pop_back();
    } else if (event == Json::parse_event_t::key) {
      path_.back() = parsed.get<std::string>();
      if (!keys_.back().insert(path_.back()).second)
        duplicates_.push_back(fmt::format("{}", fmt::join(path_, ".")));
    }
  }

  static std::string_view after_tag(std::string_view what) {
    const auto end = what.find("] ");
    return end == std::string_view::npos ? what : what.substr(end + 2);
  }

  [[noreturn]] void fail(std::size_t line, std::size_t column, std::string_view problem) const {
    throw UsageError(fmt::format("{}:{}:{}: {}.", where_, line, column, problem));
  }

  [[noreturn]] void fail_at(std::size_t byte, std::string_view what) const {
    // byte counts from 1 and is where the reader stopped.
    const auto before = text_.substr(0, byte == 0 ? 0 : std::min(byte - 1, text_.size()));
    const auto line = 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
    const auto start = before.rfind('\n');
    const auto column = 1 + before.size() - (start == std::string_view::npos ? 0 : start + 1);
    auto problem = after_tag(what);
    if (const auto end = problem.find(": "); end != std::string_view::npos)
      problem.remove_prefix(end + 2);
    fail(line, column, fmt::format("is not valid JSON: {}", problem));
  }

  std::string_view text_;
  std::string_view where_;
  std::vector<std::set<std::string>> keys_;
  std::vector<std::string> path_;
  std::vector<std::string> duplicates_;
};

}  // namespace

/// A value as a message shows it.
std::string show(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  auto text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  constexpr std::size_t kLimit = 60;
  if (text.size() <= kLimit) return text;
  std::size_t end = kLimit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;  // whole characters
  return text.substr(0, end) + "...";
}

ParsedDocument parse_document(std::string_view text, std::string_view where) {
  DocumentParser parser(text, where);
  auto json = parser.parse();
  return {std::move(json), parser.take_duplicates()};
}

}  // namespace dragoman
