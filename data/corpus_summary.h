// What a corpus is, found in one fast pass over its bytes: how many pairs, and a hash that tells
// whether it is still the same.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/input_file.h"

namespace dragoman {

/// Of the uncompressed content.
struct FileSummary {
  std::int64_t lines = 0;
  std::int64_t bytes = 0;
  std::uint64_t hash = 0;
};

/// Throws DataError for damaged gzip.
[[nodiscard]] FileSummary summarize(std::shared_ptr<const InputFile> file);

struct CorpusSummary {
  std::string name;  ///< of its files, for messages
  std::int64_t pairs = 0;
  std::uint64_t hash = 0;
};

using CorpusFiles = std::vector<std::shared_ptr<const InputFile>>;

/// One per corpus; files are read by `threads` threads. Throws DataError when a corpus has no
/// lines, and when its two files have different numbers of them.
[[nodiscard]] std::vector<CorpusSummary> summarize_corpora(const std::vector<CorpusFiles>& corpora,
                                                           std::int64_t threads);

/// A 64-bit hash of `bytes`, equal on all machines; not for secrets.
[[nodiscard]] std::uint64_t hash_bytes(std::string_view bytes);

}  // namespace dragoman
