// The log of a run: lines for a person on a stream (standard error), every event as a line of JSON
// in a file. A status line on a terminal is rewritten in place and gives way to messages.
#pragma once

#include <cstdio>
#include <string>

#include "dragoman/data/log.h"

namespace dragoman {

class RunLog final : public Log {
 public:
  /// Appends to `json_path` (empty: no file). `console` null: no lines for a person. Throws
  /// SystemError when the file cannot be opened.
  RunLog(std::FILE* console, const std::string& json_path);
  ~RunLog() override;
  RunLog(const RunLog&) = delete;
  RunLog& operator=(const RunLog&) = delete;

  void info(std::string_view message) override;
  void warn(std::string_view message) override;
  void event(std::string_view name, const LogFields& fields) override;
  void status(std::string_view line) override;

 private:
  void print(std::string_view prefix, std::string_view message);
  void clear_status();

  std::FILE* console_;
  std::FILE* json_ = nullptr;
  std::string json_path_;
  bool is_terminal_ = false;
  bool json_failed_ = false;
  std::size_t status_width_ = 0;  ///< columns of the status line on screen
};

}  // namespace dragoman
