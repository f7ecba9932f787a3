// Endless, shuffled, resumable batches from the training corpora.
//
// An epoch is cut into chunks of at most `shuffle_buffer` pairs (and a few more by rounding), each
// with the same part of every corpus. A chunk is tokenised by threads, filtered, shuffled, sorted
// by length, cut into batches under the token budget, and its batches are shuffled. The next chunk
// is built while the present one is used, so two are in memory, packed: about 50 MB each for 500000
// pairs of 30 pieces a side. A corpus that fits into one chunk is read and tokenised only once.
//
// The order depends on the corpora, the tokenisers and the section "data"; not on the number of
// threads or ranks. A position is the start of a chunk in the corpora and the number of batches
// taken since, so resuming reads at most one chunk again.
//
// With a world of n ranks the batches are dealt out in rounds of n, one to each rank, in the order
// of the ranks and on over the ends of chunks and epochs: no pair is left out and none comes twice.
// Every rank reads and tokenises everything; the position of any rank serves all, and serves any
// number of ranks, as it counts the batches of all.
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
  Batch batch;              ///< undefined tensors: this rank has none in this round
  std::int64_t epoch = 0;   ///< complete passes before this batch
  std::string position;     ///< opaque (JSON): resumes right after the round of this batch
  bool ends_epoch = false;  ///< an epoch ends with this round or in it
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
  /// Before the first call of `next`: the round in which the pass number `epochs` ends is cut
  /// there, and ranks for which nothing is left have no batch in it.
  void cut_round_after(std::int64_t epochs);
  /// Never ends. Throws DataError for bad text (file:line), when no pair passes the filters, or
  /// when an epoch has fewer batches than there are ranks, after the rounds that came before it,
  /// and again when called again.
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
