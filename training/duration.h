// Lengths of time as people write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dragoman {

/// Seconds of "45s", "90m", "2h", "1d" or several of these, the greater first: "1h30m". Nothing
/// when `text` is no such time, or none that is above 0.
[[nodiscard]] std::optional<double> parse_duration(std::string_view text);

/// "48s", "12m05s", "3h20m"
[[nodiscard]] std::string format_duration(double seconds);

}  // namespace dragoman
