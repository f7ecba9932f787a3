// How the fields of a described struct look in JSON. Internal to data/config*.cpp.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "dragoman/data/config.h"

namespace dragoman {

[[nodiscard]] nlohmann::ordered_json to_json(const Field& field);
[[nodiscard]] nlohmann::ordered_json to_json(const Section& section);

/// "integer", "one of pre, post"; with its article where it stands in a sentence: "an integer".
[[nodiscard]] std::string type_name(const Field& field, bool with_article);
/// "1 to 1000"; empty without bounds.
[[nodiscard]] std::string range_of(const Field& field);

}  // namespace dragoman
