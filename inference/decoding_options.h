// How a translation is searched: the same names in the configuration, on the command line and in
// the API. Standard library only.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dragoman {

/// How scores of different lengths are compared: none (sum of log-probabilities), average (divided
/// by the length), gnmt (divided by ((5 + length) / 6)^alpha, Wu et al. 2016).
enum class LengthNormalization { none, average, gnmt };
constexpr auto names(LengthNormalization) {
  return std::to_array<std::pair<std::string_view, LengthNormalization>>(
      {{"none", LengthNormalization::none},
       {"average", LengthNormalization::average},
       {"gnmt", LengthNormalization::gnmt}});
}

/// Section "decoding". Lengths are in target tokens without </s>.
struct DecodingOptions {
  std::int64_t beam_size = 4;
  std::int64_t n_best = 1;
  LengthNormalization length_normalization = LengthNormalization::gnmt;
  double length_alpha = 0.6;
  std::int64_t min_length = 0;
  std::int64_t max_length = 256;
  double max_length_ratio = 3.0;
  std::int64_t max_source_length = 1024;
  std::int64_t no_repeat_ngram = 0;
  bool allow_unknown = false;
  bool provenance = false;
  std::vector<std::string> protect = {};

  static void fields(auto& self, auto&& visit) {
    visit("beam_size", self.beam_size, "hypotheses kept per sentence; 1 is greedy search", 1, 1024);
    visit("n_best", self.n_best, "hypotheses returned per sentence, at most beam_size", 1, 1024);
    visit("length_normalization", self.length_normalization,
          "how hypotheses of different lengths are compared");
    visit("length_alpha", self.length_alpha, "exponent of the gnmt normalisation", 0.0, 10.0);
    visit("min_length", self.min_length, "shortest output, in tokens", 0, 100000);
    visit("max_length", self.max_length, "longest output, in tokens", 1, 100000);
    visit("max_length_ratio", self.max_length_ratio,
          "longest output as a multiple of the source length (plus 10 tokens)", 0.1, 1000.0);
    visit("max_source_length", self.max_source_length,
          "longer sources are cut to so many tokens, and the result says so", 1, 1000000);
    visit("no_repeat_ngram", self.no_repeat_ngram,
          "no sequence of so many tokens twice in one output; 0: any may repeat", 0, 1000);
    visit("allow_unknown", self.allow_unknown, "let outputs hold the unknown word, <unk>");
    visit("provenance", self.provenance,
          "with a copy head: say which parts of the output were copied from where");
    visit("protect", self.protect,
          "with a copy head: spans that must come out exactly once: url, email, number, "
          "placeholder, tag, or regular expressions");
  }
  void check(auto&& require) const {
    require(n_best <= beam_size, "n_best", "must not exceed beam_size");
    require(min_length <= max_length, "min_length", "must not exceed max_length");
  }
};

}  // namespace dragoman
