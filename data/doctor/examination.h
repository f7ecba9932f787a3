// One pass over the corpora of a set of pairs (train, dev or test), with every check that needs no
// tokeniser. Lines are read by the reader that training uses, and examined by threads, block by
// block.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dragoman/data/data_config.h"
#include "dragoman/data/doctor/copyable.h"
#include "dragoman/data/doctor/duplicates.h"
#include "dragoman/data/doctor/finding.h"
#include "dragoman/data/doctor/leakage.h"
#include "dragoman/data/doctor/pair_check.h"
#include "dragoman/data/doctor/pair_sample.h"
#include "dragoman/data/doctor/tally.h"
#include "dragoman/data/doctor/text_check.h"

namespace dragoman {

/// What was learned of one set.
struct SetExamination {
  std::string name;
  std::int64_t pairs = 0;
  PairPlaces places;
  PairSample sample;
  std::int32_t source_script = LineTraits::kNoScript;
  std::int32_t target_script = LineTraits::kNoScript;
  CopyableShare spaced_words;  ///< of held-out sets
  CopyableShare folded_words;
  std::vector<Finding> findings;
};

struct ExaminationRequest {
  std::vector<CorpusConfig> train;                             ///< those of weight 0 are left out
  std::vector<std::pair<std::string, CorpusConfig>> held_out;  ///< by name
  InvalidText invalid_text = InvalidText::error;               ///< what training will do with it
  std::int64_t threads = 1;
  std::function<void(const std::string& set, std::int64_t pairs)> progress;  ///< may be empty
};

/// The held-out sets in their order, then "train". Bad lines, missing files and different line
/// counts are findings; UsageError for corpora whose fields do not go together.
[[nodiscard]] std::vector<SetExamination> examine(const ExaminationRequest& request);

}  // namespace dragoman
