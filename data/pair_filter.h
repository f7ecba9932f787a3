// Which pairs are worth training on, by their lengths in tokens.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dragoman/data/data_config.h"

namespace dragoman {

/// How many pairs were read and why some were left out.
struct FilterCounts {
  std::int64_t read = 0;
  std::int64_t kept = 0;
  std::int64_t empty = 0;
  std::int64_t too_short = 0;
  std::int64_t too_long = 0;
  std::int64_t ratio = 0;
  std::int64_t cut = 0;           ///< sources cut to max_source_length (these are kept)
  std::int64_t invalid_text = 0;  ///< lines repaired under InvalidText::replace (these are kept)

  void add(const FilterCounts& other) {
    read += other.read;
    kept += other.kept;
    empty += other.empty;
    too_short += other.too_short;
    too_long += other.too_long;
    ratio += other.ratio;
    cut += other.cut;
    invalid_text += other.invalid_text;
  }
};

/// Counts one pair, with lengths that do not include </s>, under the first rule that it breaks;
/// true when it is kept. With min_length 0 empty sides are kept.
[[nodiscard]] inline bool passes_filter(const DataConfig& config, std::int64_t source_length,
                                        std::int64_t target_length, FilterCounts& counts) {
  const auto [shorter, longer] = std::minmax(source_length, target_length);
  const auto with_slack = [](std::int64_t length) { return static_cast<double>(length + 3); };
  ++counts.read;
  std::int64_t* count = &counts.kept;
  if (shorter == 0 && config.min_length > 0) {
    count = &counts.empty;
  } else if (shorter < config.min_length) {
    count = &counts.too_short;
  } else if (longer > config.max_length) {
    count = &counts.too_long;
  } else if (with_slack(longer) > config.max_length_ratio * with_slack(shorter)) {
    count = &counts.ratio;
  }
  ++*count;
  return count == &counts.kept;
}

}  // namespace dragoman
