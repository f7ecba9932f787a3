// Whether the two sides of each pair go together: empty sides, copies, lengths, numbers, addresses.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dragoman/data/doctor/finding.h"
#include "dragoman/data/doctor/line_traits.h"
#include "dragoman/data/doctor/tally.h"
#include "dragoman/data/doctor/text_check.h"

namespace dragoman {

/// One pair as the checks see it.
struct ExaminedPair {
  PairNumber number = 0;
  std::string_view source;
  std::string_view target;
  LineTraits source_traits;
  LineTraits target_traits;
};

/// How many characters a target has for those of its source: the logarithm (with 10 more on both
/// sides, since short texts vary), in steps of 1/8 of a doubling.
class LengthRatios {
 public:
  void add(const ExaminedPair& pair);
  void add(const LengthRatios& later);
  /// Pairs farther from the median than six times the usual distance (median absolute deviation),
  /// and than a factor of three.
  void report(const ReportedSet& set, std::vector<Finding>& findings) const;

 private:
  static constexpr std::int64_t kZero = 80;  ///< the step of equal lengths
  std::array<Tally, 2 * kZero + 1> steps_{};
};

class PairCheck {
 public:
  void add(const ExaminedPair& pair);
  void add(const PairCheck& later);
  void report(const ReportedSet& set, std::vector<Finding>& findings) const;

 private:
  Tally empty_source_;
  Tally empty_target_;
  Tally copied_;
  Tally numbers_;
  std::int64_t with_numbers_ = 0;  ///< on both sides
  Tally addresses_;
  std::int64_t with_addresses_ = 0;  ///< on a side
  LengthRatios ratios_;
};

}  // namespace dragoman
