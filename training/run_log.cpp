#include "dragoman/training/run_log.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

std::string time_of_day() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char text[16];
  std::strftime(text, sizeof text, "%H:%M:%S", &parts);
  return text;
}

double unix_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()) /
         1000.0;
}

std::size_t terminal_width(std::FILE* stream) {
  winsize size{};
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

RunLog::RunLog(std::FILE* console, const std::string& json_path)
    : console_(console), json_path_(json_path) {
  is_terminal_ = console_ != nullptr && isatty(fileno(console_)) == 1;
  if (json_path.empty()) return;
  json_ = std::fopen(json_path.c_str(), "ae");
  if (json_ == nullptr)
    throw SystemError(
        fmt::format("{}: the log cannot be opened: {}. Give a folder that can be "
                    "written in training.output.",
                    json_path, std::strerror(errno)));
  // A process that was killed may have left half a line; ours do not go on with it.
  std::FILE* before = std::fopen(json_path.c_str(), "re");
  if (before == nullptr) return;
  if (std::fseek(before, -1, SEEK_END) == 0 && std::fgetc(before) != '\n') std::fputc('\n', json_);
  std::fclose(before);
}

RunLog::~RunLog() {
  clear_status();
  if (json_ != nullptr) std::fclose(json_);
}

void RunLog::info(std::string_view message) {
  print("", message);
}

void RunLog::warn(std::string_view message) {
  print("warning: ", message);
  event("warning", {{"message", std::string(message)}});
}

void RunLog::event(std::string_view name, const LogFields& fields) {
  if (json_ == nullptr) return;
  nlohmann::ordered_json line = {{"event", name}, {"time", unix_seconds()}};
  for (const auto& [key, value] : fields)
    std::visit([&line, &key = key](const auto& content) { line[key] = content; }, value);
  // Text of the user's may hold anything; the log stays valid UTF-8.
  const std::string text =
      line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  const bool is_written =
      std::fwrite(text.data(), 1, text.size(), json_) == text.size() && std::fflush(json_) == 0;
  if (is_written) {
    json_failed_ = false;
  } else if (!json_failed_) {
    // A full disk must not end a training run, and is said once.
    json_failed_ = true;
    print("warning: ", fmt::format("{}: lines are lost: {}", json_path_, std::strerror(errno)));
    std::clearerr(json_);
  }
}

void RunLog::status(std::string_view line) {
  if (!is_terminal_) return;
  const std::size_t width = std::min(line.size(), terminal_width(console_) - 1);
  std::fputc('\r', console_);
  std::fwrite(line.data(), 1, width, console_);
  for (std::size_t column = width; column < status_width_; ++column)
    std::fputc(' ', console_);
  std::fflush(console_);
  status_width_ = width;
}

void RunLog::print(std::string_view prefix, std::string_view message) {
  if (console_ == nullptr) return;
  clear_status();
  const std::string line = fmt::format("[{}] {}{}\n", time_of_day(), prefix, message);
  std::fwrite(line.data(), 1, line.size(), console_);
  std::fflush(console_);
}

void RunLog::clear_status() {
  if (status_width_ == 0) return;
  const std::string blank(status_width_, ' ');
  std::fprintf(console_, "\r%s\r", blank.c_str());
  std::fflush(console_);
  status_width_ = 0;
}

}  // namespace dragoman
