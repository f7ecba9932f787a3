// Chunks of tokenised pairs, epoch after epoch: read from the corpora in proportion to their sizes,
// tokenised by threads, filtered, and planned into batches. One thread at a time uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "dragoman/data/bucketing.h"
#include "dragoman/data/corpus_cursor.h"
#include "dragoman/data/corpus_mix.h"
#include "dragoman/data/data_config.h"
#include "dragoman/data/packed_pairs.h"
#include "dragoman/data/pair_encoder.h"
#include "dragoman/data/pair_filter.h"
#include "dragoman/data/stream_position.h"

namespace dragoman {

/// What was read for a chunk, before it is put in order.
struct TokenizedPairs {
  PairBlocks pairs;
  FilterCounts counts;
};

struct Chunk {
  StreamPosition start;
  bool is_last = false;  ///< of its epoch
  FilterCounts counts;   ///< of this chunk, and of those before it that were empty
  std::shared_ptr<const TokenizedPairs> content;
  BatchPlan plan;

  [[nodiscard]] std::vector<Example> examples(std::size_t batch) const;
};

class ChunkSource {
 public:
  /// Opens, counts and hashes every corpus. Throws DataError and UsageError.
  ChunkSource(const DataConfig& config, PairEncoder encoder);

  [[nodiscard]] const StreamIdentity& identity() const { return identity_; }
  [[nodiscard]] std::vector<CorpusShare> shares() const;
  void seek(const StreamPosition& position);
  /// The next chunk with at least one pair; at once and without one when a stop is requested.
  /// Throws DataError for bad text, and when not one pair of an epoch passes the filters.
  [[nodiscard]] Chunk next(const std::stop_token& stop);

 private:
  struct Texts;
  [[nodiscard]] std::int64_t share(std::size_t corpus) const;
  [[nodiscard]] std::shared_ptr<const TokenizedPairs> content(const std::stop_token& stop);
  [[nodiscard]] TokenizedPairs read_chunk(const std::stop_token& stop);
  void tokenize(const Texts& texts, std::size_t count, TokenizedPairs& content) const;
  [[nodiscard]] std::optional<std::uint64_t> sampling_seed(std::int64_t pair) const;
  [[nodiscard]] BatchPlan plan(const PairBlocks& pairs) const;
  [[noreturn]] void fail_filtered(const FilterCounts& counts) const;

  DataConfig config_;
  PairEncoder encoder_;
  StreamIdentity identity_;
  std::vector<CorpusCursor> cursors_;
  std::shared_ptr<const TokenizedPairs>
      whole_epoch_;  ///< when every epoch is the same single chunk
  bool is_whole_epoch_ = false;
  std::int64_t chunks_ = 0;  ///< per epoch
  std::int64_t epoch_ = 0;
  std::int64_t chunk_ = 0;  ///< the next one, within the epoch
};

}  // namespace dragoman
