// One side of a set of pairs: control characters, white space, wrong decoding, scripts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/data/corpus_sample.h"
#include "dragoman/data/doctor/finding.h"
#include "dragoman/data/doctor/line_traits.h"
#include "dragoman/data/doctor/tally.h"

namespace dragoman {

/// Where findings are about.
struct ReportedSet {
  std::string name;  ///< "train", "dev" or "test"
  std::int64_t pairs = 0;
  const PairPlaces& places;

  [[nodiscard]] std::vector<Place> examples(const Tally& tally, Side side) const;
};

class TextCheck {
 public:
  void add(PairNumber pair, std::string_view line, const LineTraits& traits);
  void add(const TextCheck& later);
  void report(const ReportedSet& set, Side side, std::vector<Finding>& findings) const;
  /// Of most lines; LineTraits::kNoScript when no line has letters.
  [[nodiscard]] std::int32_t main_script() const;

 private:
  void report_scripts(const ReportedSet& set, Side side, std::vector<Finding>& findings) const;

  Tally control_;
  Tally unusual_space_;
  Tally loose_spaces_;
  Tally mojibake_;
  std::map<std::int32_t, Tally> scripts_;
};

}  // namespace dragoman
