// Data for the pages of apps/pages: each has one place, "DATA" in a script element, for its JSON.
#pragma once

#include <string>
#include <string_view>

namespace dragoman {

/// `page` with `json` in its place, escaped so that no text in it can end the script element.
[[nodiscard]] std::string page_with_data(std::string_view page, std::string_view json);

}  // namespace dragoman
