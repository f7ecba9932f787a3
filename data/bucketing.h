// Cuts pairs into batches of similar lengths under a token budget.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dragoman/data/packed_pairs.h"
#include "dragoman/data/random.h"

namespace dragoman {

struct BatchLimits {
  std::int64_t tokens = 4096;  ///< sentences times longest side, </s> included
  std::int64_t sentences = 10000;
};

/// Batch k holds the pairs order[begin] .. order[end - 1] of batches[k].
struct BatchPlan {
  struct Range {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  std::vector<std::uint32_t> order;
  std::vector<Range> batches;

  [[nodiscard]] std::span<const std::uint32_t> batch(std::size_t index) const {
    return std::span(order).subspan(batches[index].begin,
                                    batches[index].end - batches[index].begin);
  }
};

/// Each pair is in exactly one batch. Pairs of equal length meet in random order, and the batches
/// are in random order. A pair longer than the budget makes a batch.
[[nodiscard]] BatchPlan plan_batches(std::span<const PairLength> lengths, const BatchLimits& limits,
                                     Random& random);

}  // namespace dragoman
