// Which tokens may come next, by rules that look at the output alone: what beam search and sampling
// share.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dragoman/inference/decoding_options.h"
#include "dragoman/inference/demands.h"
#include "dragoman/inference/search/beam_search.h"

namespace dragoman {

class OutputRules {
 public:
  /// The arguments must outlive the rules.
  OutputRules(const DecodingOptions& options, const TargetIds& ids, const SearchDemands& demands);

  /// What no output says as its token `length` (from 0), whatever it holds.
  [[nodiscard]] std::vector<std::int64_t> forbidden(std::int64_t length) const;
  /// False: `blocked` is always empty and need not be asked.
  [[nodiscard]] bool blocks() const {
    return options_.no_repeat_ngram > 0 || longest_suppressed_ > 1;
  }
  /// What an output that holds `said` must not say now: no_repeat_ngram, suppressed sequences.
  [[nodiscard]] std::vector<std::int64_t> blocked(std::span<const std::int64_t> said) const;
  /// The most tokens, </s> apart, of the output of a source of `source_tokens` tokens (without
  /// </s>); `max_positions` is the model's.
  [[nodiscard]] std::int64_t length_limit(std::int64_t source_tokens, std::int64_t prefix_tokens,
                                          std::int64_t max_positions) const;

 private:
  const DecodingOptions& options_;
  TargetIds ids_;
  const SearchDemands& demands_;
  std::vector<std::int64_t> never_;
  std::size_t longest_suppressed_ = 0;
};

/// The different tokens of `said`, sorted: those that repetition_penalty applies to.
[[nodiscard]] std::vector<std::int64_t> distinct_tokens(std::span<const std::int64_t> said);

/// Throws the ModelError for a model that gives no finite probability for token `number` (from 1).
[[noreturn]] void refuse_probabilities(std::int64_t number);

}  // namespace dragoman
