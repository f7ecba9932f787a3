// Which source tokens and words an output's tokens and words come from, as the attention to the
// source says. Standard library only.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dragoman {

/// hard: links between tokens and between words. soft: the weights as well.
enum class AlignmentOutput { none, hard, soft };
constexpr auto names(AlignmentOutput) {
  return std::to_array<std::pair<std::string_view, AlignmentOutput>>(
      {{"none", AlignmentOutput::none},
       {"hard", AlignmentOutput::hard},
       {"soft", AlignmentOutput::soft}});
}

/// Part of DecodingOptions; alone for given targets.
struct AlignmentOptions {
  AlignmentOutput alignment = AlignmentOutput::none;
  double alignment_threshold = 0.0;
  std::int64_t attention_layer = 0;

  /// `self`: any struct with these members.
  static void fields(auto& self, auto&& visit) {
    visit("alignment", self.alignment,
          "say which source tokens and words each output token and word comes from; soft: with the "
          "weights");
    visit("alignment_threshold", self.alignment_threshold,
          "a token is linked to all source tokens of at least this weight; 0: to the one of the "
          "greatest",
          0.0, 1.0);
    visit("attention_layer", self.attention_layer,
          "decoder layer whose attention to the source (the mean of its heads) alignment and "
          "coverage_penalty read; 0: the copy head's pointer or, without one, the layer before the "
          "last",
          0, 1000);
  }
  void check(auto&&) const {}
};

/// Places from 0.
struct AlignmentLink {
  std::int64_t source = 0;
  std::int64_t target = 0;

  auto operator<=>(const AlignmentLink&) const = default;
};

/// Links are sorted by target, then source. </s> of either side is linked to nothing.
struct Alignment {
  std::vector<std::string> source_tokens;  ///< pieces, without </s>
  std::vector<AlignmentLink> tokens;       ///< between source_tokens and the output's tokens
  /// Between what ASCII white space separates in both texts: words of which any tokens are linked.
  std::vector<AlignmentLink> words;
  /// soft: [output tokens and </s>][source tokens and </s>], each row sums to 1.
  std::vector<std::vector<float>> weights;
};

/// "0-0 1-2": source-target, as fast_align, Marian and Moses have it.
[[nodiscard]] inline std::string pharaoh(const std::vector<AlignmentLink>& links) {
  std::string text;
  for (const AlignmentLink& link : links)
    text +=
        (text.empty() ? "" : " ") + std::to_string(link.source) + "-" + std::to_string(link.target);
  return text;
}

}  // namespace dragoman
