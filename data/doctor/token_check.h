// What the tokeniser makes of a sample of pairs, and what batches come of it: by the encoder, the
// filter and the batch planner of training.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dragoman/data/bucketing.h"
#include "dragoman/data/data_config.h"
#include "dragoman/data/doctor/examination.h"
#include "dragoman/data/doctor/finding.h"
#include "dragoman/data/packed_pairs.h"
#include "dragoman/data/pair_encoder.h"
#include "dragoman/data/pair_filter.h"

namespace dragoman {

/// One side of the sampled pairs.
struct TokenCounts {
  std::int64_t tokens = 0;
  std::int64_t words = 0;    ///< between white space
  std::int64_t unknown = 0;  ///< tokens that are <unk>
  std::int64_t copied = 0;   ///< target tokens that copying alone produces
  std::int64_t longest = 0;  ///< tokens of a line
  PairNumber longest_pair = 0;
};

struct TokenExamination {
  TokenCounts source;
  TokenCounts target;
  FilterCounts filter;
  Tally dropped;                          ///< pairs that the filter drops
  PairBlocks kept;                        ///< the pairs that it keeps
  std::vector<std::size_t> kept_corpus;   ///< the corpus of each
  std::vector<std::int64_t> source_uses;  ///< of each source piece
  std::vector<std::int64_t> target_uses;  ///< of each target piece
};

/// Tokenises set.sample.
[[nodiscard]] TokenExamination examine_tokens(const SetExamination& set, const DataConfig& config,
                                              const PairEncoder& encoder, bool is_train);

/// Batches of an epoch, from the sample. `weights`: of the corpora, those of weight 0 left out.
struct EpochEstimate {
  BatchPlan plan;                    ///< of the sample's pairs, each as often as its weight says
  std::vector<std::uint32_t> pairs;  ///< plan entry -> pair in TokenExamination::kept
  double scale = 1.0;                ///< the epoch is so many times as large as the plan
  double batches = 0;                ///< all for a whole epoch:
  double sentences = 0;
  double source_tokens = 0;  ///< </s> counted
  double target_tokens = 0;
  double padding = 0;          ///< share of the tensors' cells
  double sentences_alone = 0;  ///< pairs longer than the budget, which make a batch each
};
[[nodiscard]] EpochEstimate estimate_epoch(const SetExamination& set,
                                           const TokenExamination& tokens,
                                           std::span<const double> weights,
                                           const DataConfig& config);

/// Findings on one set's tokens: unknown pieces, dropped pairs.
void report_tokens(const SetExamination& set, const TokenExamination& tokens,
                   const DataConfig& config, bool copies, std::vector<Finding>& findings);

}  // namespace dragoman
