// How the fields of a described struct look in JSON. Internal to data/config*.cpp.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/config.h"

namespace dragoman {

[[nodiscard]] nlohmann::ordered_json to_json(const Field& field);
[[nodiscard]] nlohmann::ordered_json to_json(const Section& section);

/// "integer", "one of pre, post"; with its article where it stands in a sentence: "an integer".
[[nodiscard]] std::string type_name(const Field& field, bool with_article);
/// A value as a message shows it: short, and without what lies inside objects and lists.
[[nodiscard]] std::string show(const nlohmann::ordered_json& value);
/// "1 to 1000"; empty without bounds.
[[nodiscard]] std::string range_of(const Field& field);

struct ParsedDocument {
  nlohmann::ordered_json json;  ///< an object
  std::vector<std::string>
      duplicates;  ///< paths of keys given twice, which JSON's object cannot hold
};

/// Throws UsageError with line and column.
[[nodiscard]] ParsedDocument parse_document(std::string_view text, std::string_view where);

}  // namespace dragoman
