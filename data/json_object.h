// JSON that other programs wrote: bounded in depth, and without keys given twice.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace dragoman {

/// Throws ModelError that begins with `where`: no JSON object, nested too deeply, a key twice.
[[nodiscard]] nlohmann::json parse_json_object(std::string_view text, const std::string& where);

}  // namespace dragoman
