// How often each training corpus is passed over in an epoch.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace dragoman {

/// What a corpus gives to an epoch.
struct CorpusShare {
  std::string name;  ///< of its files
  std::int64_t pairs = 0;
  std::int64_t pairs_per_epoch = 0;

  [[nodiscard]] double passes() const {
    return static_cast<double>(pairs_per_epoch) / static_cast<double>(pairs);
  }
};

/// Passes over each corpus, so that its part of the epoch is in proportion to
/// weight * pairs ^ (1 / temperature) (Arivazhagan et al. 2019, "Massively multilingual neural
/// machine translation in the wild", section 4) and the epoch has sum(weight * pairs) pairs. With
/// temperature 1 these are the weights.
[[nodiscard]] std::vector<double> passes_per_epoch(std::span<const std::int64_t> pairs,
                                                   std::span<const double> weights,
                                                   double temperature);

}  // namespace dragoman
