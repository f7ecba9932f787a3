// Lines of a text or gzip file, or of standard input, with UTF-8 checked and line numbers for errors.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dragoman/data/data_config.h"

namespace dragoman {

class LineReader {
 public:
  /// `path` "-" is standard input; gzip is recognised by content. Throws DataError.
  explicit LineReader(const std::string& path, InvalidText invalid_text = InvalidText::error);
  ~LineReader();
  LineReader(LineReader&&) noexcept;
  LineReader& operator=(LineReader&&) noexcept;

  /// Reads the next line without its end ("\n" or "\r\n"); false at the end. Throws DataError with
  /// file:line for bad text under InvalidText::error.
  [[nodiscard]] bool next(std::string& line);
  [[nodiscard]] std::int64_t line_number() const;  ///< of the line last read; 1 is the first
  [[nodiscard]] std::int64_t repaired() const;     ///< lines changed under InvalidText::replace
  [[nodiscard]] std::int64_t offset() const;       ///< bytes (uncompressed) before the next line
  void seek(std::int64_t offset, std::int64_t line_number);

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
