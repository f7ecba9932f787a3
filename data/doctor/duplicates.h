// Pairs that occur again, and lines with several counterparts. 20 bytes a pair, in 256 parts, so
// that growing moves little at a time.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dragoman/data/doctor/finding.h"
#include "dragoman/data/doctor/tally.h"
#include "dragoman/data/doctor/text_check.h"

namespace dragoman {

struct PairHash {
  std::uint64_t source = 0;
  std::uint64_t target = 0;
};

class Duplicates {
 public:
  /// In the order of their numbers, below 2^32.
  void add(PairNumber pair, const PairHash& hash);
  /// Sorts what was added and gives its memory back.
  void report(const ReportedSet& set, std::vector<Finding>& findings);

 private:
  /// Hashes in halves, so that nothing is padded.
  struct Entry {
    std::array<std::uint32_t, 2> key;  ///< of the side that entries are grouped by
    std::array<std::uint32_t, 2> other;
    std::uint32_t pair;
  };
  using Parts = std::array<std::vector<Entry>, 256>;
  struct Counts;

  static void append(Parts& parts, const Entry& entry);
  static void count(Parts& parts, Counts& counts);
  void swap_sides();

  Parts parts_;
};

}  // namespace dragoman
