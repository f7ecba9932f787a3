// One corpus of the training mix as an endless sequence of pairs: epoch after epoch, each as many
// passes as its weight says; the fraction of a pass takes a random part of the lines.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dragoman/data/data_config.h"
#include "dragoman/data/parallel_reader.h"

namespace dragoman {

class CorpusCursor {
 public:
  /// Where the next pair is looked for.
  struct Position {
    std::int64_t epoch = 0;
    std::int64_t pass = 0;      ///< within the epoch
    std::int64_t selected = 0;  ///< pairs taken in this pass
    ParallelReader::Position place;
  };

  /// `pairs` is the number of pairs in the corpus; `seed` chooses the lines of the fraction.
  CorpusCursor(ParallelReader reader, std::int64_t pairs, double weight, std::uint64_t seed);

  [[nodiscard]] std::int64_t pairs_per_epoch() const;
  [[nodiscard]] bool is_random() const { return fraction_ > 0; }  ///< epochs differ
  /// Only when pairs_per_epoch() > 0. Throws DataError for bad lines, or when the file shrank.
  void next(std::string& source, std::string& target);
  /// Of the pair that `next` gave.
  [[nodiscard]] const std::vector<WordLink>& links() const { return links_; }
  /// As if a whole epoch had been taken, from its start.
  void skip_epoch();
  [[nodiscard]] Position position() const;
  void seek(const Position& position);
  [[nodiscard]] std::int64_t repaired() const { return repaired_; }  ///< lines, of the pairs taken

 private:
  [[nodiscard]] std::int64_t pairs_in_pass() const;
  [[nodiscard]] bool is_selected() const;
  void start_pass();

  ParallelReader reader_;
  std::int64_t pairs_;
  std::int64_t full_passes_;
  std::int64_t fraction_;  ///< pairs of the pass after the full ones
  std::uint64_t seed_;
  std::int64_t epoch_ = 0;
  std::int64_t pass_ = 0;
  std::int64_t selected_ = 0;
  std::int64_t repaired_ = 0;
  std::vector<WordLink> links_;
};

}  // namespace dragoman
