#include "dragoman/data/pair_format.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/utf8.h"

namespace dragoman {

namespace {

constexpr std::string_view kExpected = R"(Each line must be {"source": "...", "target": "..."})";

}  // namespace

void split_tsv(std::string_view line, const std::string& where, std::string& source,
               std::string& target) {
  const auto tabs = std::count(line.begin(), line.end(), '\t');
  if (tabs != 1) {
    throw DataError(
        fmt::format("{}: has {} tabs, but a pair has exactly 1, between source and "
                    "target. Repair or remove the line.",
                    where, tabs));
  }
  const auto tab = line.find('\t');
  source.assign(line.substr(0, tab));
  target.assign(line.substr(tab + 1));
}

std::int64_t parse_json_pair(std::string_view line, const std::string& where,
                             InvalidText invalid_text, std::string& source, std::string& target) {
  nlohmann::json pair;
  try {
    pair = nlohmann::json::parse(line);
  } catch (const nlohmann::json::parse_error& error) {
    throw DataError(
        fmt::format("{}: is not JSON (at byte {} of the line). {}.", where, error.byte, kExpected));
  } catch (const nlohmann::json::out_of_range&) {
    throw DataError(fmt::format("{}: holds a number that is too large. {}.", where, kExpected));
  }
  if (!pair.is_object())
    throw DataError(fmt::format("{}: is no JSON object. {}.", where, kExpected));
  std::int64_t repaired = 0;
  for (const auto& [key, text] : std::to_array<std::pair<const char*, std::string*>>(
           {{"source", &source}, {"target", &target}})) {
    const auto found = pair.find(key);
    if (found == pair.end()) {
      throw DataError(fmt::format("{}: has no \"{}\". {}.", where, key, kExpected));
    }
    if (!found->is_string()) {
      throw DataError(fmt::format("{}: \"{}\" is {}, not a string. {}.", where, key,
                                  found->type_name(), kExpected));
    }
    *text = found->get<std::string>();
    if (text->find('\0') == std::string::npos) continue;
    if (invalid_text == InvalidText::error) {
      throw DataError(
          fmt::format("{}: \"{}\" holds a NUL byte. Repair the text, or set "
                      "data.invalid_text to \"replace\".",
                      where, key));
    }
    *text = repair_text(*text);
    ++repaired;
  }
  return repaired;
}

}  // namespace dragoman
