#include "dragoman/inference/search/output_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "dragoman/data/error.h"
#include "dragoman/inference/search/repetition.h"

namespace dragoman {

OutputRules::OutputRules(const DecodingOptions& options, const TargetIds& ids,
                         const SearchDemands& demands)
    : options_(options), ids_(ids), demands_(demands) {
  for (const std::int64_t id : {ids.begin, ids.pad})
    if (id != ids.end) never_.push_back(id);
  if (!options.allow_unknown) never_.push_back(ids.unknown);
  for (const auto& sequence : demands.suppressed) {
    longest_suppressed_ = std::max(longest_suppressed_, sequence.size());
    if (sequence.size() == 1) never_.push_back(sequence.front());
  }
}

std::vector<std::int64_t> OutputRules::forbidden(std::int64_t length) const {
  std::vector<std::int64_t> never = never_;
  if (length < options_.min_length) never.push_back(ids_.end);
  return never;
}

std::vector<std::int64_t> OutputRules::blocked(std::span<const std::int64_t> said) const {
  std::vector<std::int64_t> tokens = repeating_tokens(said, options_.no_repeat_ngram);
  for (const auto& sequence : demands_.suppressed) {
    const std::size_t before = sequence.size() - 1;
    if (before == 0 || said.size() < before) continue;
    if (std::ranges::equal(said.last(before), std::span(sequence).first(before)))
      tokens.push_back(sequence.back());
  }
  return tokens;
}

std::int64_t OutputRules::length_limit(std::int64_t source_tokens, std::int64_t prefix_tokens,
                                       std::int64_t max_positions) const {
  const std::int64_t longest =
      std::max<std::int64_t>(std::min(options_.max_length, max_positions - 1), 1);
  const double allowed =
      std::min(options_.max_length_ratio * static_cast<double>(source_tokens) + 10.0, 1e9);
  const std::int64_t at_least = std::max(options_.min_length, prefix_tokens);
  return std::min(longest, std::max(static_cast<std::int64_t>(std::ceil(allowed)), at_least));
}

std::vector<std::int64_t> distinct_tokens(std::span<const std::int64_t> said) {
  std::vector<std::int64_t> tokens(said.begin(), said.end());
  std::ranges::sort(tokens);
  const auto repeated = std::ranges::unique(tokens);
  tokens.erase(repeated.begin(), repeated.end());
  return tokens;
}

void refuse_probabilities(std::int64_t number) {
  throw ModelError(fmt::format(
      "decoding: the model gives no finite probability for token {} of a sentence. The weights are "
      "damaged, or numbers overflow in this precision: try fp32.",
      number));
}

}  // namespace dragoman
