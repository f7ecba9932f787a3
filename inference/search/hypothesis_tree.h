// The hypotheses of a batch as a tree: what they share at their beginning is there once.
#pragma once

#include <cstdint>
#include <vector>

#include "dragoman/inference/search/hypotheses.h"

namespace dragoman {

class HypothesisTree {
 public:
  /// A hypothesis, named by its last token.
  using Node = std::int32_t;
  static constexpr Node kRoot = -1;  ///< the empty one

  /// The hypothesis `parent` and one token more.
  Node add(Node parent, std::int64_t token, float log_prob) {
    nodes_.push_back({parent, static_cast<std::int32_t>(token), log_prob});
    return static_cast<Node>(nodes_.size()) - 1;
  }
  /// What hypotheses of one length have in common; at least one.
  [[nodiscard]] std::vector<std::int64_t> common_prefix(std::vector<Node> nodes) const;
  [[nodiscard]] std::vector<std::int64_t> tokens(Node node) const;
  /// With its tokens and their scores.
  [[nodiscard]] IdHypothesis hypothesis(Node node) const;

 private:
  struct Token {
    Node parent;
    std::int32_t id;
    float log_prob;
  };
  std::vector<Token> nodes_;
};

}  // namespace dragoman
