#include "dragoman/training/duration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

namespace dragoman {
namespace {

constexpr auto kUnits = std::to_array<std::pair<char, double>>(
    {{'d', 86400.0}, {'h', 3600.0}, {'m', 60.0}, {'s', 1.0}});
constexpr double kLongest = 1e9;

}  // namespace

std::optional<double> parse_duration(std::string_view text) {
  double seconds = 0.0;
  const auto* unit = kUnits.begin();
  while (!text.empty()) {
    double count = 0.0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), count, std::chars_format::fixed);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (error != std::errc() || !(count >= 0.0) || text.empty()) return {};
    unit = std::find_if(unit, kUnits.end(), [&](const auto& u) { return u.first == text.front(); });
    if (unit == kUnits.end()) return {};
    seconds += count * (unit++)->second;
    text.remove_prefix(1);
  }
  if (!(seconds > 0.0 && seconds <= kLongest)) return {};
  return seconds;
}

std::string format_duration(double seconds) {
  const auto total = static_cast<std::int64_t>(std::llround(std::clamp(seconds, 0.0, 1e12)));
  if (total < 60) return fmt::format("{}s", total);
  if (total < 3600) return fmt::format("{}m{:02}s", total / 60, total % 60);
  return fmt::format("{}h{:02}m", total / 3600, total / 60 % 60);
}

}  // namespace dragoman
