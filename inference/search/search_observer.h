// What a caller of the search may watch and decide while it runs, sentence by sentence. Called
// between two steps, from the thread that searches.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dragoman/inference/search/hypotheses.h"

namespace dragoman {

class SearchObserver {
 public:
  virtual ~SearchObserver() = default;

  /// True: nobody waits for `sentence` any more. It leaves the batch without hypotheses.
  virtual bool is_abandoned(std::int64_t /*sentence*/) { return false; }
  /// The search keeps no prefixes for sentences without such a wish.
  virtual bool wants_prefixes(std::int64_t /*sentence*/) { return false; }
  /// What the best hypothesis is now sure to begin with: all that are alive begin with it, and the
  /// best that has ended. Called when it has grown.
  virtual void on_prefix(std::int64_t /*sentence*/, std::span<const std::int64_t> /*tokens*/) {}
  /// The sentence leaves the batch with these; others may go on.
  virtual void on_finished(std::int64_t /*sentence*/,
                           const std::vector<IdHypothesis>& /*hypotheses*/) {}
};

}  // namespace dragoman
