// How a translation is searched: the same names in the configuration, on the command line and in
// the API. Standard library only.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dragoman/inference/alignment.h"

namespace dragoman {

/// How scores of different lengths are compared: none (sum of log-probabilities), average (divided
/// by the length), gnmt (divided by ((5 + length) / 6)^alpha, Wu et al. 2016), power (divided by
/// length^alpha, as fairseq and Hugging Face do).
enum class LengthNormalization { none, average, gnmt, power };
constexpr auto names(LengthNormalization) {
  return std::to_array<std::pair<std::string_view, LengthNormalization>>(
      {{"none", LengthNormalization::none},
       {"average", LengthNormalization::average},
       {"gnmt", LengthNormalization::gnmt},
       {"power", LengthNormalization::power}});
}

/// When the search of a sentence stops before its length limit. In all but `never` only after
/// patience * beam_size hypotheses have ended. first: at once. heuristic: when the best live
/// hypothesis, if it ended now at no cost, would not beat the last of them (a later one could in
/// theory, since the divisor of its length still grows). exact: when it would not do so at the
/// length limit either, so that going on could change nothing. never: at the length limit.
/// best_ended: as OpenNMT-py does, once n_best hypotheses have ended and the best one of a step is
/// among them; those that end then also take places from the ones that go on.
enum class EarlyStopping { heuristic, first, exact, never, best_ended };
constexpr auto names(EarlyStopping) {
  return std::to_array<std::pair<std::string_view, EarlyStopping>>(
      {{"heuristic", EarlyStopping::heuristic},
       {"first", EarlyStopping::first},
       {"exact", EarlyStopping::exact},
       {"never", EarlyStopping::never},
       {"best_ended", EarlyStopping::best_ended}});
}

/// Section "decoding". Lengths are in target tokens without </s>.
struct DecodingOptions {
  std::int64_t beam_size = 4;
  std::int64_t n_best = 1;
  LengthNormalization length_normalization = LengthNormalization::gnmt;
  double length_alpha = 0.6;
  std::int64_t length_offset = 0;
  double coverage_penalty = 0.0;
  std::int64_t min_length = 0;
  std::int64_t max_length = 256;
  double max_length_ratio = 3.0;
  std::int64_t max_source_length = 1024;
  std::int64_t no_repeat_ngram = 0;
  bool allow_unknown = false;
  bool provenance = false;
  std::vector<std::string> protect = {};
  EarlyStopping early_stopping = EarlyStopping::heuristic;
  double patience = 1.0;
  double repetition_penalty = 1.0;
  std::int64_t loop_repeats = 8;
  bool stop_loops = false;
  std::vector<std::string> suppress = {};
  std::string prefix = {};
  bool prefix_alternatives = false;
  std::vector<std::string> constraints = {};
  std::int64_t beam_groups = 1;
  double diversity_penalty = 0.5;
  bool sample = false;
  double temperature = 1.0;
  std::int64_t top_k = 0;
  double top_p = 1.0;
  std::int64_t seed = 1;
  std::int64_t mbr_candidates = 0;
  AlignmentOutput alignment = AlignmentOutput::none;
  double alignment_threshold = 0.0;
  std::int64_t attention_layer = 0;

  [[nodiscard]] AlignmentOptions alignment_options() const {
    return {alignment, alignment_threshold, attention_layer};
  }

  static void fields(auto& self, auto&& visit) {
    visit("beam_size", self.beam_size, "hypotheses kept per sentence; 1 is greedy search", 1, 1024);
    visit("n_best", self.n_best,
          "hypotheses returned per sentence, at most beam_size; with sample: samples drawn", 1,
          1024);
    visit("length_normalization", self.length_normalization,
          "how hypotheses of different lengths are compared");
    visit("length_alpha", self.length_alpha, "exponent of the gnmt and power normalisations", 0.0,
          10.0);
    visit("length_offset", self.length_offset,
          "added to the length in length_normalization; 1 counts <s>, as OpenNMT-py does", 0, 1000);
    visit(
        "coverage_penalty", self.coverage_penalty,
        "weight of what a finished hypothesis loses for source tokens that it attends to less than "
        "once (Wu et al. 2016); 0: nothing",
        0.0, 1000.0);
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
    visit(
        "early_stopping", self.early_stopping,
        "when a search stops before its length limit, once enough hypotheses have ended: when the "
        "best live one would not win now (heuristic) or ever (exact), at once (first), never; or "
        "when the best of a step has ended (best_ended)");
    visit("patience", self.patience,
          "a search waits for so many times beam_size ended hypotheses (Kasai et al. 2022)", 0.01,
          100.0);
    visit("repetition_penalty", self.repetition_penalty,
          "factor of the log-probability of tokens that the output holds already (Keskar et al. "
          "2019); 1: none",
          1.0, 100.0);
    visit(
        "loop_repeats", self.loop_repeats,
        "an output in which some tokens stand so many times in a row is said to be looped; 0: none "
        "is",
        0, 1000);
    visit("stop_loops", self.stop_loops, "end a sentence's search when its best hypothesis loops");
    visit("suppress", self.suppress,
          "pieces or texts that are never output, as the tokeniser spells them");
    visit("prefix", self.prefix, "text that every output begins with; may end within a word");
    visit("prefix_alternatives", self.prefix_alternatives,
          "n_best outputs that differ in their first token (after the prefix), each with a beam of "
          "its own");
    visit("constraints", self.constraints,
          "words or phrases that every output holds (Post and Vilar 2018); use a beam_size above "
          "their number of tokens");
    visit("beam_groups", self.beam_groups,
          "groups of hypotheses that are searched to differ (Vijayakumar et al. 2018); divides "
          "beam_size",
          1, 1024);
    visit(
        "diversity_penalty", self.diversity_penalty,
        "with beam_groups: what a token loses for each earlier group's hypothesis that says it now",
        0.0, 1000.0);
    visit("sample", self.sample, "draw n_best outputs at random in place of beam search");
    visit("temperature", self.temperature,
          "with sample: log-probabilities are divided by it; below 1 is less random", 0.001,
          1000.0);
    visit("top_k", self.top_k, "with sample: only the so many most probable tokens; 0: all", 0,
          10000000);
    visit(
        "top_p", self.top_p,
        "with sample: only the most probable tokens that sum up to so much (Holtzman et al. 2020)",
        0.000001, 1.0);
    visit("seed", self.seed,
          "with sample: the same seed, text and place of the text give the same output", 0,
          9007199254740991);
    visit("mbr_candidates", self.mbr_candidates,
          "choose, of so many samples or hypotheses of the beam, the ones most like all others by "
          "chrF (minimum Bayes risk); 0: do not",
          0, 1024);
    AlignmentOptions::fields(self, visit);
  }
  void check(auto&& require) const {
    require(sample || n_best <= beam_size, "n_best", "must not exceed beam_size");
    require(min_length <= max_length, "min_length", "must not exceed max_length");
    require(beam_size % beam_groups == 0, "beam_groups", "must divide beam_size");
    require(sample || mbr_candidates <= beam_size, "mbr_candidates",
            "must not exceed beam_size, unless sample is on");
    require(mbr_candidates == 0 || n_best <= mbr_candidates, "n_best",
            "must not exceed mbr_candidates");
    require(!stop_loops || loop_repeats > 0, "stop_loops", "needs loop_repeats above 0");
    // Two ways of choosing at once would each undo the other.
    require(!sample || beam_groups == 1, "sample", "cannot be combined with beam_groups above 1");
    require(!sample || !prefix_alternatives, "sample",
            "cannot be combined with prefix_alternatives");
    require(!sample || constraints.empty(), "sample", "cannot be combined with constraints");
    require(beam_groups == 1 || constraints.empty(), "beam_groups",
            "above 1 cannot be combined with constraints");
    require(beam_groups == 1 || !prefix_alternatives, "beam_groups",
            "above 1 cannot be combined with prefix_alternatives");
    require(!prefix_alternatives || constraints.empty(), "prefix_alternatives",
            "cannot be combined with constraints");
    require(!sample || coverage_penalty == 0.0, "coverage_penalty",
            "takes effect only when sample is off");
    require(sample || temperature == 1.0, "temperature", "takes effect only when sample is on");
    require(sample || top_k == 0, "top_k", "takes effect only when sample is on");
    require(sample || top_p == 1.0, "top_p", "takes effect only when sample is on");
  }
};

}  // namespace dragoman
