#include "dragoman/data/bucketing.h"

#include <algorithm>
#include <numeric>
#include <utility>

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
  random.shuffle(std::span(plan.batches));
  return plan;
}

}  // namespace dragoman
