// Where a command writes its lines: standard output, or a file that appears when it is complete.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace dragoman {

class AtomicFile;

class LineOutput {
 public:
  /// "-" is standard output. Opens at once: SystemError when the file cannot be written.
  explicit LineOutput(const std::string& path);
  ~LineOutput();
  LineOutput(const LineOutput&) = delete;
  LineOutput& operator=(const LineOutput&) = delete;

  /// False: whoever read our standard output has closed it, so there is no point in going on (the
  /// program ignores SIGPIPE).
  /// Throws SystemError.
  [[nodiscard]] bool write(std::string_view lines);
  /// Makes the file appear.
  void finish();

 private:
  std::unique_ptr<AtomicFile> file_;  ///< null: standard output
};

/// `text` with line breaks as spaces: one output stays one line.
[[nodiscard]] std::string on_one_line(std::string text);

}  // namespace dragoman
