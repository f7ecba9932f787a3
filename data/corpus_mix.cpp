#include "dragoman/data/corpus_mix.h"

#include <algorithm>
#include <cmath>

namespace dragoman {

std::vector<double> passes_per_epoch(std::span<const std::int64_t> pairs,
                                     std::span<const double> weights, double temperature) {
  std::vector<double> passes(weights.begin(), weights.end());
  if (temperature == 1.0) return passes;
  // Sizes beside the greatest: the power of a size itself may overflow.
  const auto greatest = static_cast<double>(*std::ranges::max_element(pairs));
  const auto part = [&](std::size_t corpus) {
    return weights[corpus] *
           std::pow(static_cast<double>(pairs[corpus]) / greatest, 1.0 / temperature);
  };
  double epoch = 0.0;
  double parts = 0.0;
  for (std::size_t corpus = 0; corpus < passes.size(); ++corpus) {
    epoch += weights[corpus] * static_cast<double>(pairs[corpus]);
    parts += part(corpus);
  }
  if (parts == 0.0) return passes;
  for (std::size_t corpus = 0; corpus < passes.size(); ++corpus)
    passes[corpus] = epoch * part(corpus) / parts / static_cast<double>(pairs[corpus]);
  return passes;
}

}  // namespace dragoman
