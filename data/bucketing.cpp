#include "dragoman/data/bucketing.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "dragoman/data/error.h"

namespace dragoman {

namespace {

using Range = BatchPlan::Range;

/// What the budget counts: the longer side, with </s>.
std::int64_t longest(const PairLength& length) {
  return std::max(length.source, length.target) + 1;
}

/// By the longer side; among these by how much longer it is, up and down in turn, so that a batch
/// that reaches into the next length goes on where it was (3 % of padding on Multi30k instead of 4
/// %).
std::pair<std::int64_t, std::int64_t> sort_key(const PairLength& length) {
  const std::int64_t difference = length.source - length.target;
  const std::int64_t longer = longest(length);
  return {longer, longer % 2 == 0 ? difference : -difference};
}

std::vector<Range> cut(std::span<const PairLength> lengths, std::span<const std::uint32_t> order,
                       const BatchLimits& limits) {
  std::vector<Range> batches;
  std::int64_t width = 0;
  for (std::uint32_t at = 0; at < order.size(); ++at) {
    width = std::max(width, longest(lengths[order[at]]));
    const std::int64_t sentences = batches.empty() ? 0 : at - batches.back().begin + 1;
    if (batches.empty() || sentences > limits.sentences || sentences * width > limits.tokens) {
      batches.push_back({at, at});
      width = longest(lengths[order[at]]);
    }
    batches.back().end = at + 1;
  }
  return batches;
}

bool has_fewer(const Range& left, const Range& right) {
  return left.end - left.begin < right.end - right.begin;
}

/// `batches` lie side by side, the shortest pairs first.
void reach_multiple(std::vector<Range>& batches, std::size_t pairs, std::size_t multiple_of) {
  if (pairs < multiple_of) {
    throw DataError(
        fmt::format("training corpora: only {} pairs at a time for {} ranks. Use fewer "
                    "ranks, more data, or a greater data.shuffle_buffer.",
                    pairs, multiple_of));
  }
  const std::size_t wanted = (batches.size() + multiple_of - 1) / multiple_of * multiple_of;
  if (wanted > pairs) {  // nearly all batches are single pairs: the shortest go together
    const std::size_t surplus = batches.size() % multiple_of;
    batches[surplus].begin = 0;
    batches.erase(batches.begin(), batches.begin() + static_cast<std::ptrdiff_t>(surplus));
    return;
  }
  while (batches.size() < wanted) {
    auto& batch = *std::max_element(batches.begin(), batches.end(), has_fewer);
    const std::uint32_t middle = batch.begin + (batch.end - batch.begin) / 2;
    const Range second{middle, batch.end};
    batch.end = middle;
    batches.push_back(second);
  }
}

}  // namespace

BatchPlan plan_batches(std::span<const PairLength> lengths, const BatchLimits& limits,
                       Random& random) {
  BatchPlan plan;
  plan.order.resize(lengths.size());
  std::iota(plan.order.begin(), plan.order.end(), 0U);
  random.shuffle(std::span(plan.order));
  std::stable_sort(plan.order.begin(), plan.order.end(),
                   [lengths](std::uint32_t left, std::uint32_t right) {
                     return sort_key(lengths[left]) < sort_key(lengths[right]);
                   });
  plan.batches = cut(lengths, plan.order, limits);
  reach_multiple(plan.batches, lengths.size(), static_cast<std::size_t>(limits.multiple_of));
  random.shuffle(std::span(plan.batches));
  return plan;
}

}  // namespace dragoman
