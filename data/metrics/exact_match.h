// The share of lines that equal one of their references.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dragoman/data/metrics/statistics.h"

namespace dragoman {

/// Lines are compared without whitespace at their ends, runs of it counting as one space. Throws
/// std::invalid_argument as check_references does.
[[nodiscard]] Statistics exact_match_statistics(const std::vector<std::string>& hypotheses,
                                                ReferenceSets references);

/// 0 to 100.
[[nodiscard]] double exact_match_from_statistics(std::span<const double> sums);
[[nodiscard]] double corpus_exact_match(const std::vector<std::string>& hypotheses,
                                        ReferenceSets references);

[[nodiscard]] std::string exact_match_signature(std::int64_t references,
                                                const SignatureSampling& sampling = {});

}  // namespace dragoman
