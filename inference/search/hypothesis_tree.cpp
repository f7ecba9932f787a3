#include "dragoman/inference/search/hypothesis_tree.h"

#include <algorithm>
#include <functional>

namespace dragoman {

std::vector<std::int64_t> HypothesisTree::tokens(Node node) const {
  std::vector<std::int64_t> tokens;
  for (; node != kRoot; node = nodes_[static_cast<std::size_t>(node)].parent)
    tokens.push_back(nodes_[static_cast<std::size_t>(node)].id);
  std::ranges::reverse(tokens);
  return tokens;
}

IdHypothesis HypothesisTree::hypothesis(Node node) const {
  IdHypothesis hypothesis;
  hypothesis.ids = tokens(node);
  for (; node != kRoot; node = nodes_[static_cast<std::size_t>(node)].parent)
    hypothesis.token_scores.push_back(nodes_[static_cast<std::size_t>(node)].log_prob);
  std::ranges::reverse(hypothesis.token_scores);
  return hypothesis;
}

std::vector<std::int64_t> HypothesisTree::common_prefix(std::vector<Node> nodes) const {
  // As long as each other, so they meet where their common beginning ends.
  while (std::ranges::adjacent_find(nodes, std::not_equal_to<>()) != nodes.end())
    for (Node& node : nodes)
      node = nodes_[static_cast<std::size_t>(node)].parent;
  return tokens(nodes.front());
}

}  // namespace dragoman
