// Lines of a text or gzip file, or of standard input, with UTF-8 checked and line numbers for
// errors.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dragoman/data/data_config.h"

namespace dragoman {

class InputFile;

class LineReader {
 public:
  /// `path` "-" is standard input; gzip is recognised by content. Throws DataError.
  explicit LineReader(const std::string& path, InvalidText invalid_text = InvalidText::error);
  explicit LineReader(std::shared_ptr<const InputFile> file,
                      InvalidText invalid_text = InvalidText::error);
  ~LineReader();
  LineReader(LineReader&&) noexcept;
  LineReader& operator=(LineReader&&) noexcept;

  /// Reads the next line without its end ("\n" or "\r\n"; the last line needs none) and without the
  /// byte order mark that may begin a file; false at the end. Throws DataError with file:line for
  /// bad text under InvalidText::error.
  [[nodiscard]] bool next(std::string& line);
  [[nodiscard]] std::int64_t line_number() const;  ///< of the line last read; 1 is the first
  [[nodiscard]] std::int64_t repaired() const;     ///< lines changed under InvalidText::replace
  [[nodiscard]] std::int64_t offset() const;       ///< bytes (uncompressed) before the next line
  /// Both as they were told after some line; 0, 0 is the start. Throws DataError for a stream.
  void seek(std::int64_t offset, std::int64_t line_number);
  [[nodiscard]] std::string where() const;  ///< "file:line" of the line last read

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::vector<std::string> read_lines(const std::string& path,
                                                  InvalidText invalid_text = InvalidText::error);

/// Source and target lines of one corpus, of any format. Throws DataError, naming both counts, when
/// they differ in number.
struct ParallelLines {
  std::vector<std::string> source;
  std::vector<std::string> target;
};
[[nodiscard]] ParallelLines read_parallel(const CorpusConfig& corpus,
                                          InvalidText invalid_text = InvalidText::error);

}  // namespace dragoman
