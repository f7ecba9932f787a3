// Where a BatchStream stands, as text, together with what that place depends on.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dragoman/data/corpus_cursor.h"
#include "dragoman/data/corpus_summary.h"

namespace dragoman {

/// Everything that the order of the batches depends on. A position is good only for the same.
struct StreamIdentity {
  std::map<std::string, std::string> settings;  ///< "data.seed" -> "1"
  std::vector<CorpusSummary> corpora;
};

/// The start of a chunk, and what was taken of it.
struct StreamPosition {
  std::int64_t epoch = 0;
  std::int64_t chunk = 0;    ///< within the epoch
  std::int64_t batches = 0;  ///< taken by all ranks together
  std::vector<CorpusCursor::Position> corpora;
};

[[nodiscard]] std::string to_text(const StreamPosition& position, const StreamIdentity& identity);

/// Throws DataError when `text` is damaged, and, naming both values, when it was written under
/// another identity.
[[nodiscard]] StreamPosition parse_position(const std::string& text,
                                            const StreamIdentity& identity);

}  // namespace dragoman
