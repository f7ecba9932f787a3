#include "apps/translate_input.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <system_error>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw DataError(fmt::format(
      "{}: {}. Each line is an object such as {{\"text\": \"...\", \"prefix\": \"...\", "
      "\"constraints\": [\"...\"]}}; all but text may be left out.",
      where, what));
}

const std::string& text_of(const Json& value, const std::string& key, const std::string& where) {
  if (!value.is_string()) refuse(where, fmt::format("{} is no string", key));
  return value.get_ref<const std::string&>();
}

void parse(const std::string& line, const std::string& where, std::string& text, TextOptions& own) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) refuse(where, "is no JSON object");
  bool has_text = false;
  for (const auto& [key, value] : json.items()) {
    if (key == "text") {
      text = text_of(value, key, where);
      has_text = true;
    } else if (key == "prefix") {
      own.prefix = text_of(value, key, where);
    } else if (key == "constraints") {
      if (!value.is_array()) refuse(where, "constraints is no list");
      for (const Json& constraint : value)
        own.constraints.push_back(text_of(constraint, "a constraint", where));
    } else {
      refuse(where, fmt::format("'{}' is no known key", key));
    }
  }
  if (!has_text) refuse(where, "has no text");
}

}  // namespace

Shard parse_shard(const std::string& text) {
  Shard shard;
  const char* const end = text.data() + text.size();
  const auto [slash, error] = std::from_chars(text.data(), end, shard.number);
  if (error == std::errc() && slash != end && *slash == '/') {
    const auto [last, second_error] = std::from_chars(slash + 1, end, shard.count);
    if (second_error == std::errc() && last == end && shard.number >= 0 &&
        shard.number < shard.count)
      return shard;
  }
  throw UsageError(
      fmt::format("--shard: is \"{}\", but must be K/N with K from 0 to N - 1, such as 0/4 for the "
                  "first of four processes.",
                  text));
}

TranslateInput read_input(LineReader& reader, bool is_jsonl, std::int64_t size,
                          const Shard& shard) {
  TranslateInput input;
  std::string line;
  while (std::ssize(input.texts) < size && reader.next(line)) {
    const std::int64_t number = reader.line_number() - 1;
    if (number % shard.count != shard.number) continue;
    TextOptions& own = input.own.emplace_back();
    own.number = number;
    std::string& text = input.texts.emplace_back();
    if (is_jsonl)
      parse(line, reader.where(), text, own);
    else
      text = line;
  }
  return input;
}

}  // namespace dragoman
