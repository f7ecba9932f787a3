#include "dragoman/data/metrics/statistics.h"

#include <fmt/format.h>

#include <stdexcept>

namespace dragoman {

std::vector<double> Statistics::sum() const {
  std::vector<double> total(static_cast<std::size_t>(width), 0.0);
  for (std::int64_t sentence = 0; sentence < sentences(); ++sentence) {
    const auto values_of_sentence = row(sentence);
    for (std::size_t column = 0; column < total.size(); ++column)
      total[column] += values_of_sentence[column];
  }
  return total;
}

std::string make_signature(std::int64_t references, const SignatureSampling& sampling,
                           const std::string& fields) {
  std::string signature = fmt::format("nrefs:{}", references);
  if (sampling.bootstrap_samples > 0)
    signature += fmt::format("|bs:{}", sampling.bootstrap_samples);
  if (sampling.randomization_trials > 0)
    signature += fmt::format("|ar:{}", sampling.randomization_trials);
  if (sampling.bootstrap_samples > 0 || sampling.randomization_trials > 0)
    signature += fmt::format("|seed:{}", sampling.seed);
  return signature + "|" + fields + "|version:dragoman-" DRAGOMAN_VERSION;
}

void check_references(std::span<const std::string> hypotheses, ReferenceSets references) {
  if (references.empty()) throw std::invalid_argument("a metric needs at least one reference set");
  for (const auto& set : references) {
    if (set.size() != hypotheses.size())
      throw std::invalid_argument(
          fmt::format("a metric got {} hypotheses and a reference set of {} lines",
                      hypotheses.size(), set.size()));
  }
}

}  // namespace dragoman
