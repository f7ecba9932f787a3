// Where messages for people and records for programs go. An argument of the few classes that need
// it; there is no global logger.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace dragoman {

using LogValue = std::variant<std::int64_t, double, std::string, bool, std::vector<double>,
                              std::vector<std::string>>;
using LogFields = std::vector<std::pair<std::string, LogValue>>;

class Log {
 public:
  virtual ~Log() = default;
  /// One line for a person.
  virtual void info(std::string_view message) = 0;
  virtual void warn(std::string_view message) = 0;
  /// One machine-readable record (a line of log.jsonl), e.g. event("train", {{"step", 100}, ...}).
  virtual void event(std::string_view name, const LogFields& fields) = 0;
  /// A line that the next one replaces (a progress bar); dropped where that is not possible.
  virtual void status(std::string_view) {}
};

/// Drops everything.
class NullLog final : public Log {
 public:
  void info(std::string_view) override {}
  void warn(std::string_view) override {}
  void event(std::string_view, const LogFields&) override {}
};

}  // namespace dragoman
