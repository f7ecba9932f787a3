// Every output of a fake model with its score: what a search with a beam wide enough has to find.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "dragoman/inference/search/hypotheses.h"
#include "tests/inference/fake_model.h"

namespace dragoman_test {

/// What a token's log-probability counts, given the output before it.
using TokenValue = std::function<double(const Tokens& said, std::int64_t token, double log_prob)>;

/// Outputs over `words` of at most options.max_length tokens that `is_wanted`, best first. </s>
/// is 3.
inline std::vector<dragoman::IdHypothesis> exhaustive_search(
    const FakeModel::Rule& rule, const Tokens& source, const Tokens& words,
    const dragoman::DecodingOptions& options,
    const std::function<bool(const Tokens&)>& is_wanted = [](const Tokens&) { return true; },
    const TokenValue& value = [](const Tokens&, std::int64_t,
                                 double log_prob) { return log_prob; }) {
  std::vector<dragoman::IdHypothesis> found;
  const std::function<void(const Tokens&, const std::vector<float>&, double)> visit =
      [&](const Tokens& said, const std::vector<float>& scores, double total) {
        Tokens prefix{2};
        prefix.insert(prefix.end(), said.begin(), said.end());
        const std::vector<double> probabilities = rule(source, prefix);
        const auto extended = [&](std::int64_t token) {
          std::vector<float> longer = scores;
          longer.push_back(static_cast<float>(std::log(probabilities[token])));
          return longer;
        };
        if (is_wanted(said)) {
          dragoman::IdHypothesis hypothesis;
          hypothesis.ids = said;
          hypothesis.token_scores = extended(3);
          set_score(hypothesis, total + value(said, 3, hypothesis.token_scores.back()), options);
          found.push_back(hypothesis);
        }
        if (std::ssize(said) == options.max_length) return;
        for (const std::int64_t word : words) {
          Tokens longer = said;
          longer.push_back(word);
          const auto longer_scores = extended(word);
          visit(longer, longer_scores, total + value(said, word, longer_scores.back()));
        }
      };
  visit({}, {}, 0.0);
  std::ranges::stable_sort(found, std::greater<>(), &dragoman::IdHypothesis::score);
  return found;
}

inline bool holds(const Tokens& output, const Tokens& phrase) {
  return std::search(output.begin(), output.end(), phrase.begin(), phrase.end()) != output.end();
}

inline bool begins_with(const Tokens& output, const Tokens& prefix) {
  return output.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), output.begin());
}

/// A beam that holds every output of four tokens over four words.
inline dragoman::DecodingOptions wide_beam(std::int64_t max_length = 4) {
  dragoman::DecodingOptions options;
  options.beam_size = 1000;
  options.n_best = 1000;
  options.max_length = max_length;
  options.max_length_ratio = 1000.0;
  options.allow_unknown = true;
  return options;
}

}  // namespace dragoman_test
