#include "dragoman/inference/search/beam_groups.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "dragoman/inference/search/coverage.h"

namespace dragoman {

std::vector<double> Group::totals() const {
  std::vector<double> values;
  for (const Beam& beam : beams)
    values.push_back(beam.total);
  return values;
}

std::vector<double> Group::handicaps() const {
  std::vector<double> values;
  for (const Beam& beam : beams)
    values.push_back(beam.handicap);
  return values;
}

std::vector<const PhraseState*> Group::phrase_states() const {
  std::vector<const PhraseState*> states;
  for (const Beam& beam : beams)
    states.push_back(&beam.phrases);
  return states;
}

std::vector<HypothesisTree::Node> Group::live() const {
  std::vector<HypothesisTree::Node> nodes;
  for (const Beam& beam : beams)
    if (!std::isinf(beam.total)) nodes.push_back(beam.node);
  return nodes;
}

std::vector<std::int64_t> Group::sure_prefix(const HypothesisTree& tree) const {
  std::vector<std::int64_t> prefix = tree.common_prefix(live());
  if (const IdHypothesis* best = finished.best())
    prefix.erase(std::ranges::mismatch(prefix, best->ids).in1, prefix.end());
  return prefix;
}

void Group::close(const HypothesisTree& tree, const Phrases& phrases,
                  const DecodingOptions& options, std::int64_t n) {
  is_done = true;
  results = finished.take(n);
  if (!results.empty()) return;
  std::vector<const Beam*> live;
  for (const Beam& beam : beams)
    if (!std::isinf(beam.total)) live.push_back(&beam);
  if (options.coverage_penalty > 0.0 && !live.empty()) {
    const std::int64_t length = std::ssize(tree.tokens(live.front()->node));
    std::ranges::stable_sort(live, std::greater<>(), [&](const Beam* beam) {
      return normalized_score(beam->total, length, options) +
             options.coverage_penalty * log_coverage(beam->attended);
    });
  }
  if (!phrases.empty())
    std::ranges::stable_sort(live, std::greater<>(),
                             [&](const Beam* beam) { return phrases.tokens_met(beam->phrases); });
  for (const Beam* beam : live) {
    if (std::ssize(results) == n) break;
    IdHypothesis& hypothesis = results.emplace_back(tree.hypothesis(beam->node));
    hypothesis.ended = false;
    hypothesis.coverage = options.coverage_penalty * log_coverage(beam->attended);
    set_score(hypothesis, beam->total, options);
  }
}

std::vector<IdHypothesis> merge_groups(std::vector<Group>& groups, std::int64_t n) {
  if (groups.size() == 1) return std::move(groups.front().results);
  std::size_t most = 0;
  for (const Group& group : groups)
    most = std::max(most, group.results.size());
  std::vector<IdHypothesis> merged;
  for (std::size_t rank = 0; rank < most; ++rank) {
    std::vector<IdHypothesis> round;
    for (Group& group : groups)
      if (rank < group.results.size()) round.push_back(std::move(group.results[rank]));
    std::ranges::stable_sort(round, [](const IdHypothesis& one, const IdHypothesis& other) {
      return std::tuple(!one.ended, -one.score) < std::tuple(!other.ended, -other.score);
    });
    for (IdHypothesis& hypothesis : round) {
      const auto is_known = std::ranges::find(merged, hypothesis.ids, &IdHypothesis::ids);
      if (is_known == merged.end() && std::ssize(merged) < n)
        merged.push_back(std::move(hypothesis));
    }
  }
  std::ranges::stable_sort(merged, [](const IdHypothesis& one, const IdHypothesis& other) {
    return std::tuple(!one.ended, -one.score) < std::tuple(!other.ended, -other.score);
  });
  return merged;
}

}  // namespace dragoman
