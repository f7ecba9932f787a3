// Endless, shuffled, resumable batches from the training corpora.
//
// The corpora are read in chunks of `shuffle_buffer` pairs; a chunk is tokenised by threads,
// filtered, shuffled, sorted by length, cut into batches under the token budget, and its batches
// are shuffled. A position is the corpora's read offsets at the chunk's start and the number of
// batches taken since, so resuming reads at most one chunk again. The next chunk is built while the
// present one is used. With a world of n ranks, batch k of each chunk goes to rank k mod n.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dragoman/data/batch.h"
#include "dragoman/data/data_config.h"
#include "dragoman/data/pair_filter.h"
#include "dragoman/data/tokenizer.h"

namespace dragoman {

struct StreamedBatch {
  Batch batch;
  std::int64_t epoch = 0;  ///< complete passes before this batch
  std::string position;    ///< opaque (JSON): resumes right after this batch
  bool ends_epoch = false;
};

class BatchStream {
 public:
  /// Opens and checks every corpus (missing files, different line counts, no lines: DataError).
  BatchStream(const DataConfig& config, Tokenizer source, Tokenizer target, std::int64_t rank = 0,
              std::int64_t world_size = 1, bool pin_memory = false);
  ~BatchStream();
  BatchStream(const BatchStream&) = delete;
  BatchStream& operator=(const BatchStream&) = delete;

  /// Goes to a position that an earlier batch carried; before the first call of `next`. Throws
  /// DataError when the corpora changed since.
  void seek(const std::string& position);
  /// Never ends. Throws DataError for bad text (file:line) or when no pair passes the filters.
  [[nodiscard]] StreamedBatch next();
  /// Counts since construction, over all epochs.
  [[nodiscard]] FilterCounts counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dragoman
