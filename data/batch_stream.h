// Endless, shuffled, resumable batches from the training corpora.
//
// An epoch is cut into chunks of at most `shuffle_buffer` pairs (and a few more by rounding), each
// with the same part of every corpus. A chunk is tokenised by threads, filtered, shuffled, sorted
// by length, cut into batches under the token budget, and its batches are shuffled. The next chunk
// is built while the present one is used, so two are in memory, packed: about 50 MB each for 500000
// pairs of 30 pieces a side. A corpus that fits into one chunk is read and tokenised only once.
//
// The order depends on the corpora, the tokenisers, the section "data" and the number of ranks; not
// on the number of threads. A position is the start of a chunk in the corpora and the number of
// batches taken since, so resuming reads at most one chunk again.
//
// With a world of n ranks, batch k of each chunk goes to rank k mod n. So that all ranks get
// equally many, the largest batches of a chunk are halved until their number is a multiple of n: no
// pair is left out and none comes twice. Every rank reads and tokenises everything; the position of
// any rank serves all.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dragoman/data/batch.h"
#include "dragoman/data/corpus_mix.h"
#include "dragoman/data/data_config.h"
#include "dragoman/data/pair_encoder.h"
#include "dragoman/data/pair_filter.h"

namespace dragoman {

struct StreamedBatch {
  Batch batch;
  std::int64_t epoch = 0;  ///< complete passes before this batch
  std::string position;    ///< opaque (JSON): resumes right after this batch
  bool ends_epoch = false;
};

class BatchStream {
 public:
  /// Opens and checks every corpus (missing files, different line counts, no lines: DataError;
  /// fields that do not go together, a rank outside 0 ... world_size - 1: UsageError). Paths begin
  /// in `config.folder`.
  BatchStream(const DataConfig& config, PairEncoder encoder, std::int64_t rank = 0,
              std::int64_t world_size = 1, bool pin_memory = false);
  ~BatchStream();
  BatchStream(const BatchStream&) = delete;
  BatchStream& operator=(const BatchStream&) = delete;

  /// Goes to a position that an earlier batch carried; before the first call of `next`. Throws
  /// DataError when what the order depends on has changed since, naming it.
  void seek(const std::string& position);
  /// Never ends. Throws DataError for bad text (file:line) or when no pair passes the filters,
  /// after the batches that came before it, and again when called again.
  [[nodiscard]] StreamedBatch next();
  /// What each corpus gives to an epoch, before the filters.
  [[nodiscard]] const std::vector<CorpusShare>& shares() const;
  /// Of the chunks that batches were taken from since construction, over all epochs.
  [[nodiscard]] FilterCounts counts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dragoman
