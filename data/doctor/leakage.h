// Which pairs of a development or test set are in the training data as well. Holds the held-out
// set's hashes; training pairs stream past.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dragoman/data/doctor/duplicates.h"
#include "dragoman/data/doctor/finding.h"
#include "dragoman/data/doctor/tally.h"
#include "dragoman/data/doctor/text_check.h"

namespace dragoman {

/// The hash of the letters and digits of `text`, in lower case; 0 when it has none. `buffer` is
/// scratch.
[[nodiscard]] std::uint64_t folded_hash(std::string_view text, std::string& buffer);

class Leakage {
 public:
  struct Key {
    PairHash exact;
    PairHash folded;
  };
  /// A training pair whose folded source the held-out set has.
  struct Hit {
    PairNumber pair = 0;
    Key key;
  };

  /// The next pair of the held-out set.
  void add(const Key& key);
  /// Thread-safe, while nothing is added.
  [[nodiscard]] bool may_hold(std::uint64_t folded_source) const {
    return entries_of_.contains(folded_source);
  }
  void match(const Hit& hit);
  void report(const ReportedSet& set, const PairPlaces& train,
              std::vector<Finding>& findings) const;

 private:
  static constexpr PairNumber kNever = -1;
  struct Entry {
    Key key;
    PairNumber pair = kNever;    ///< the first training pair that equals it
    PairNumber source = kNever;  ///< ... that has its source
    PairNumber folded_pair = kNever;
    PairNumber folded_source = kNever;
  };
  std::vector<Entry> entries_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> entries_of_;  ///< by folded source
};

}  // namespace dragoman
