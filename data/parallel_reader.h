// Pairs of a corpus, whatever its format: two aligned text files, TSV, or JSONL; and the links
// between their words, where a further file has them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dragoman/data/data_config.h"
#include "dragoman/data/input_file.h"
#include "dragoman/data/line_reader.h"
#include "dragoman/data/word_links.h"

namespace dragoman {

/// The format with `detect` resolved by the file name. Throws UsageError when the fields of
/// `corpus` do not go together (text without a target file, TSV with one, standard input without a
/// format).
[[nodiscard]] CorpusFormat format_of(const CorpusConfig& corpus);

/// Its paths with `folder` before them, unless they are absolute, "-" or empty.
[[nodiscard]] CorpusConfig with_folder(CorpusConfig corpus, const std::string& folder);

class ParallelReader {
 public:
  struct Position {
    std::int64_t line = 0;  ///< pairs before the next one
    std::int64_t source_offset = 0;
    std::int64_t target_offset = 0;
    std::int64_t alignment_offset = 0;
  };

  /// Throws DataError (missing file) and what `format_of` throws.
  ParallelReader(const CorpusConfig& corpus, InvalidText invalid_text);

  /// The next pair, with the prefixes of the corpus; false at the end. Throws DataError with
  /// file:line: bad text, a line that is not one pair. When one side ends before the other it
  /// counts the rest and names both counts.
  [[nodiscard]] bool next(std::string& source, std::string& target);
  /// Of the pair that `next` gave; empty without a file of links.
  [[nodiscard]] const std::vector<WordLink>& links() const { return links_; }
  [[nodiscard]] Position position() const;
  void seek(const Position& position);
  [[nodiscard]] std::int64_t repaired() const;  ///< lines changed under InvalidText::replace
  /// Of the source file (0), or of the target file (1); TSV and JSONL count as source.
  [[nodiscard]] std::int64_t repaired(std::size_t file) const;
  /// The files of its text: one, or source and target.
  [[nodiscard]] const std::vector<std::shared_ptr<const InputFile>>& files() const {
    return files_;
  }
  /// The file of links; null without one.
  [[nodiscard]] const std::shared_ptr<const InputFile>& alignment_file() const {
    return alignment_file_;
  }

 private:
  [[nodiscard]] bool read(std::string& source, std::string& target);
  [[nodiscard]] bool read_aligned(std::string& source, std::string& target);
  [[noreturn]] void fail_count(bool source_ended);
  [[noreturn]] void fail_links(bool links_ended);

  CorpusFormat format_;
  std::string source_prefix_;  ///< with the space after it
  std::string target_prefix_;
  InvalidText invalid_text_;
  std::vector<std::shared_ptr<const InputFile>> files_;
  LineReader source_;
  std::optional<LineReader> target_;
  std::shared_ptr<const InputFile> alignment_file_;
  std::optional<LineReader> alignment_;
  std::vector<WordLink> links_;
  std::string line_;
  std::int64_t repaired_in_json_ = 0;
};

/// The words in angle brackets of the corpora's prefixes, "<2de>", each once.
[[nodiscard]] std::vector<std::string> prefix_tags(const std::vector<CorpusConfig>& corpora);

/// "a", or "a and b": for messages.
[[nodiscard]] std::string names_of(const std::vector<std::shared_ptr<const InputFile>>& files);

/// The message for files that are not line-aligned.
[[nodiscard]] std::string different_counts(const std::string& source, std::int64_t source_lines,
                                           const std::string& target, std::int64_t target_lines);

}  // namespace dragoman
