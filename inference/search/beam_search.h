// Beam search over any StepModel; greedy search is the beam of one. Finished sentences leave the
// batch.
#pragma once

#include <cstdint>
#include <vector>

#include "dragoman/inference/decoding_options.h"
#include "dragoman/inference/demands.h"
#include "dragoman/inference/models/step_model.h"
#include "dragoman/inference/search/hypotheses.h"
#include "dragoman/inference/search/search_observer.h"

namespace dragoman {

/// Special words of the target vocabulary.
struct TargetIds {
  std::int64_t begin = 2;
  std::int64_t end = 3;
  std::int64_t pad = 0;
  std::int64_t unknown = 1;
};

/// For each sentence n_best hypotheses at most, best first; never none. Outputs never hold <s> or
/// <pad>, and <unk> only under allow_unknown. A hypothesis that has reached its length limit may
/// still end in the next step; what has not ended then is returned only when nothing of the
/// sentence has. The limit is max_length, or max_length_ratio times the source's tokens (without
/// </s>) plus 10 if that is less; min_length and the prefix are stronger than the ratio. Of several
/// groups of hypotheses (beam_groups, prefix_alternatives) the best of each come before the second
/// best of any. Throws ModelError when the model gives no finite probability. Sentences that
/// `observer` says are abandoned have no hypothesis; it hears of prefixes where there is one group
/// and no phrase.
[[nodiscard]] std::vector<std::vector<IdHypothesis>> beam_search(
    const StepModel& model, const SourceBatch& source, const TargetIds& ids,
    const DecodingOptions& options, const SearchDemands& demands = {},
    SearchObserver* observer = nullptr);

}  // namespace dragoman
