// How text becomes pieces: a SentencePiece model that is given, or trained from the corpora.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dragoman {

enum class TokenizerType { bpe, unigram, character, word };
constexpr auto names(TokenizerType) {
  return std::to_array<std::pair<std::string_view, TokenizerType>>(
      {{"bpe", TokenizerType::bpe},
       {"unigram", TokenizerType::unigram},
       {"char", TokenizerType::character},
       {"word", TokenizerType::word}});
}

/// Section "tokenizer". Tokenisers that Dragoman trains have the ids 0 <pad>, 1 <unk>, 2 <s>, 3
/// </s>; a given model may place them anywhere, and may lack <pad> and <s>.
struct TokenizerConfig {
  TokenizerType type = TokenizerType::bpe;
  std::int64_t vocabulary_size = 8000;
  bool joint = true;
  std::string source_model;
  std::string target_model;
  double character_coverage = 1.0;
  bool byte_fallback = false;
  bool split_digits = false;
  std::string normalization = "nmt_nfkc";
  std::vector<std::string> user_symbols;
  std::int64_t training_sentences = 5000000;
  double source_dropout = 0.0;
  double target_dropout = 0.0;
  double source_alpha = 0.0;
  double target_alpha = 0.0;

  static void fields(auto& self, auto&& visit) {
    visit("type", self.type, "kind of SentencePiece model to train");
    visit("vocabulary_size", self.vocabulary_size,
          "number of pieces, special ones included; for type char the greatest number", 8,
          10000000);
    visit("joint", self.joint, "one tokeniser for source and target");
    visit("source_model", self.source_model,
          "a SentencePiece .model file for the source; empty: train one from the corpora");
    visit("target_model", self.target_model,
          "a SentencePiece .model file for the target; empty: source_model, or train one");
    visit("character_coverage", self.character_coverage, "share of characters that get a piece",
          0.9, 1.0);
    visit("byte_fallback", self.byte_fallback, "spell unknown characters as bytes");
    visit("split_digits", self.split_digits, "make each digit a piece of its own");
    visit("normalization", self.normalization,
          "SentencePiece's rule: nmt_nfkc, nmt_nfkc_cf (lower-cases), nfkc, nfkc_cf or identity");
    visit("user_symbols", self.user_symbols, "strings that are always one piece");
    visit("training_sentences", self.training_sentences,
          "sample at most so many lines per side to train the tokeniser", 1, 1000000000);
    visit("source_dropout", self.source_dropout,
          "BPE-dropout on the training sources: the probability that a merge is left out, 0.1 as a "
          "rule; 0: off",
          0.0, 1.0);
    visit("target_dropout", self.target_dropout, "the same on the training targets", 0.0, 1.0);
    visit("source_alpha", self.source_alpha,
          "unigram models: segmentations of the training sources are drawn by their probability to "
          "this power, 0.1 to 0.5 as a rule, the less the more they differ; 0: off",
          0.0, 1000.0);
    visit("target_alpha", self.target_alpha, "the same for the training targets", 0.0, 1000.0);
  }
  void check(auto&&) const {}
};

}  // namespace dragoman
