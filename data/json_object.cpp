#include "dragoman/data/json_object.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "dragoman/data/error.h"

namespace dragoman {

nlohmann::json parse_json_object(std::string_view text, const std::string& where) {
  using Json = nlohmann::json;
  constexpr int kMaxDepth = 32;
  std::vector<std::set<std::string>> keys;
  const auto fail = [&where](std::string_view problem) {
    throw ModelError(fmt::format("{}: {}. Take another copy.", where, problem));
  };
  const auto follow = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth) fail("is nested too deeply");
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      fail(fmt::format("has the key {} twice", parsed.get<std::string>()));
    return true;
  };
  Json document;
  try {
    document = Json::parse(text, follow);
  } catch (const Json::exception& error) {
    fail(fmt::format("is no JSON ({})", error.what()));
  }
  if (!document.is_object()) fail("is no JSON object");
  return document;
}

}  // namespace dragoman
