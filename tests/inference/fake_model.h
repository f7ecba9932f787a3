// A step model whose next-token probabilities are a function of the source and of the tokens so
// far.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "dragoman/inference/models/step_model.h"

namespace dragoman_test {

using Tokens = std::vector<std::int64_t>;

class FakeModel final : public dragoman::StepModel {
 public:
  /// (source with </s>, target so far with <s>) -> V probabilities.
  using Rule = std::function<std::vector<double>(const Tokens&, const Tokens&)>;

  FakeModel(std::int64_t vocabulary, Rule rule) : vocabulary_(vocabulary), rule_(std::move(rule)) {}

  struct State final : dragoman::StepState {
    std::vector<Tokens> sources;   ///< one per sentence
    std::vector<Tokens> prefixes;  ///< one per row
  };

  std::unique_ptr<dragoman::StepState> start(const dragoman::SourceBatch& source) const override {
    auto state = std::make_unique<State>();
    for (std::int64_t row = 0; row < source.ids.size(0); ++row) {
      const auto length = source.lengths[row].item<std::int64_t>();
      Tokens ids;
      for (std::int64_t place = 0; place < length; ++place)
        ids.push_back(source.ids[row][place].item<std::int64_t>());
      state->sources.push_back(ids);
    }
    state->prefixes.resize(state->sources.size());
    return state;
  }

  at::Tensor step(const at::Tensor& next, dragoman::StepState& state) const override {
    auto& own = dynamic_cast<State&>(state);
    const auto rows = static_cast<std::int64_t>(own.prefixes.size());
    if (next.size(0) != rows) throw std::logic_error("next has another number of rows");
    const std::int64_t width = rows / static_cast<std::int64_t>(own.sources.size());
    at::Tensor log_probs = at::empty({rows, vocabulary_});
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t place = 0; place < next.size(1); ++place)
        own.prefixes[row].push_back(next[row][place].item<std::int64_t>());
      const auto probabilities = rule_(own.sources[row / width], own.prefixes[row]);
      for (std::int64_t word = 0; word < vocabulary_; ++word)
        log_probs[row][word] = std::log(probabilities.at(word));
    }
    ++steps;
    largest_batch = std::max(largest_batch, rows);
    rows_computed += rows;
    return log_probs;
  }

  void reorder(dragoman::StepState& state, const at::Tensor& rows,
               const at::Tensor& sentences) const override {
    auto& own = dynamic_cast<State&>(state);
    std::vector<Tokens> prefixes;
    for (std::int64_t row = 0; row < rows.size(0); ++row)
      prefixes.push_back(own.prefixes.at(rows[row].item<std::int64_t>()));
    own.prefixes = prefixes;
    if (sentences.defined()) {
      std::vector<Tokens> sources;
      for (std::int64_t place = 0; place < sentences.size(0); ++place)
        sources.push_back(own.sources.at(sentences[place].item<std::int64_t>()));
      own.sources = sources;
    }
    if (own.prefixes.size() % own.sources.size() != 0) throw std::logic_error("ragged rows");
    ++reorders;
  }

  std::int64_t vocabulary_size() const override { return vocabulary_; }
  at::Device device() const override { return at::kCPU; }

  mutable std::int64_t steps = 0;
  mutable std::int64_t reorders = 0;
  mutable std::int64_t largest_batch = 0;
  mutable std::int64_t rows_computed = 0;

 private:
  std::int64_t vocabulary_;
  Rule rule_;
};

/// Sources as a padded batch; each must already end with </s> (3).
inline dragoman::SourceBatch batch_of(const std::vector<Tokens>& sources) {
  std::size_t longest = 0;
  for (const Tokens& source : sources)
    longest = std::max(longest, source.size());
  const auto rows = static_cast<std::int64_t>(sources.size());
  at::Tensor ids = at::zeros({rows, static_cast<std::int64_t>(longest)}, at::kLong);
  at::Tensor lengths = at::empty({rows}, at::kLong);
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::size_t place = 0; place < sources[row].size(); ++place)
      ids[row][static_cast<std::int64_t>(place)] = sources[row][place];
    lengths[row] = static_cast<std::int64_t>(sources[row].size());
  }
  return {ids, lengths};
}

/// Probabilities that depend on everything, as if at random.
inline FakeModel::Rule random_rule(std::int64_t vocabulary) {
  return [vocabulary](const Tokens& source, const Tokens& prefix) {
    std::uint64_t hash = 1469598103934665603ULL;
    const auto mix = [&hash](std::uint64_t value) {
      hash = (hash ^ value) * 1099511628211ULL;
      hash ^= hash >> 29;
    };
    for (const std::int64_t id : source)
      mix(static_cast<std::uint64_t>(id));
    mix(77);
    for (const std::int64_t id : prefix)
      mix(static_cast<std::uint64_t>(id));
    std::vector<double> probabilities;
    double sum = 0.0;
    for (std::int64_t word = 0; word < vocabulary; ++word) {
      mix(static_cast<std::uint64_t>(word));
      probabilities.push_back(std::exp(3.0 * static_cast<double>(hash >> 11) / 9007199254740992.0));
      sum += probabilities.back();
    }
    for (double& probability : probabilities)
      probability /= sum;
    return probabilities;
  };
}

}  // namespace dragoman_test
