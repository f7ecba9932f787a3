// The live hypotheses of a sentence: one group that compete with one another, or several that are
// searched side by side, to differ (diverse beam search, Vijayakumar et al. 2018) or because each
// begins with another token (alternatives).
#pragma once

#include <cstdint>
#include <vector>

#include "dragoman/inference/search/constraints.h"
#include "dragoman/inference/search/hypotheses.h"
#include "dragoman/inference/search/hypothesis_tree.h"
#include "dragoman/inference/search/requirements.h"

namespace dragoman {

struct GroupSizes {
  explicit GroupSizes(const DecodingOptions& options)
      : are_alternatives(options.prefix_alternatives && options.n_best > 1),
        groups(are_alternatives ? options.n_best : options.beam_groups),
        beams(options.beam_size / options.beam_groups) {}

  bool are_alternatives;
  std::int64_t groups;
  std::int64_t beams;  ///< hypotheses of a group

  /// Results of a group: as an alternative it has one.
  [[nodiscard]] std::int64_t results(std::int64_t n_best) const {
    return are_alternatives ? 1 : n_best;
  }
  [[nodiscard]] std::int64_t rows() const { return groups * beams; }
  /// Candidates that a row needs when no rule takes any away: one for </s>, and one for each token
  /// that other groups may have taken.
  [[nodiscard]] std::int64_t candidates() const {
    return beams + 1 + (are_alternatives ? groups : rows() - beams);
  }
};

/// A live hypothesis.
struct Beam {
  double total = 0.0;  ///< what it is compared by; minus infinity: an unused place
  /// What it lost for saying the same as earlier groups, in the choice of what goes on alone:
  /// results are compared without it.
  double handicap = 0.0;
  HypothesisTree::Node node = HypothesisTree::kRoot;
  SaidWords said = 0;
  PhraseState phrases = {};
  std::vector<float> attended = {};  ///< to each source token so far, under coverage_penalty
};

struct Group {
  FinishedHypotheses finished;
  std::vector<Beam> beams;  ///< best first, unused places last
  bool is_done = false;
  std::vector<IdHypothesis> results = {};  ///< once it is done

  /// Of each place.
  [[nodiscard]] std::vector<double> totals() const;
  [[nodiscard]] std::vector<double> handicaps() const;
  [[nodiscard]] std::vector<const PhraseState*> phrase_states() const;
  /// The live hypotheses.
  [[nodiscard]] std::vector<HypothesisTree::Node> live() const;
  /// What all hypotheses that may become the best begin with.
  [[nodiscard]] std::vector<std::int64_t> sure_prefix(const HypothesisTree& tree) const;
  /// Ends the group's search. Its results are what has ended or, when nothing has, the live
  /// hypotheses as they stand, those that hold the most of `phrases` first; n at most.
  void close(const HypothesisTree& tree, const Phrases& phrases, const DecodingOptions& options,
             std::int64_t n);
};

/// n different hypotheses at most: the best of each group before the second best of any, those that
/// have ended before the others, best first.
[[nodiscard]] std::vector<IdHypothesis> merge_groups(std::vector<Group>& groups, std::int64_t n);

}  // namespace dragoman
