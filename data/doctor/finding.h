// What an examination of a run's data and settings found: how bad it is, where, how often, what to
// do.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dragoman {

/// error: the run fails, or its results mean nothing. warning: it works, worse than it could. note:
/// worth knowing.
enum class Severity { error, warning, note };
constexpr auto names(Severity) {
  return std::to_array<std::pair<std::string_view, Severity>>(
      {{"error", Severity::error}, {"warning", Severity::warning}, {"note", Severity::note}});
}

struct Place {
  std::string file;
  std::int64_t line = 0;  ///< 1 is the first; 0: the file as a whole
  std::string text;       ///< what stands there, shortened
};

struct Finding {
  Severity severity = Severity::note;
  std::string check;    ///< a stable name, such as "leak"
  std::string subject;  ///< "train", "dev", "test" or "settings"
  std::string message;
  std::int64_t count = 0;  ///< of `total`; both 0 where nothing is counted
  std::int64_t total = 0;
  std::vector<Place> examples;
  std::string advice;  ///< may be empty
};

/// "12.3 %", with as many digits as it takes to be no plain 0; "0 %" of nothing.
[[nodiscard]] std::string percent(std::int64_t count, std::int64_t total);

}  // namespace dragoman
