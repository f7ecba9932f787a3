#include "apps/line_output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "dragoman/data/error.h"
#include "dragoman/data/file.h"

namespace dragoman {

LineOutput::LineOutput(const std::string& path) {
  if (path != "-") file_ = std::make_unique<AtomicFile>(path);
}

LineOutput::~LineOutput() = default;

bool LineOutput::write(std::string_view lines) {
  if (file_) {
    file_->write(lines.data(), lines.size());
    return true;
  }
  while (!lines.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, lines.data(), lines.size());
    if (written >= 0) {
      lines.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EPIPE) {
      return false;
    } else if (errno != EINTR) {
      throw SystemError(
          fmt::format("standard output: cannot be written: {}. Free space, or write elsewhere.",
                      std::generic_category().message(errno)));
    }
  }
  return true;
}

void LineOutput::finish() {
  if (file_) file_->commit();
}

std::string on_one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char byte) { return byte == '\n' || byte == '\r'; }, ' ');
  return text;
}

}  // namespace dragoman
