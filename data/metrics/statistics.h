// What a metric keeps of each sentence: enough to score any selection of sentences without looking
// at the text again.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace dragoman {

/// One vector per reference set, each as long as the hypotheses.
using ReferenceSets = std::span<const std::vector<std::string>>;

/// Sufficient statistics of a corpus, one row per sentence.
struct Statistics {
  std::int64_t width = 0;      ///< values per sentence
  std::vector<double> values;  ///< [sentences, width], row by row

  [[nodiscard]] std::int64_t sentences() const {
    return width == 0 ? 0 : static_cast<std::int64_t>(values.size()) / width;
  }
  [[nodiscard]] std::span<const double> row(std::int64_t sentence) const {
    return std::span(values).subspan(static_cast<std::size_t>(sentence * width),
                                     static_cast<std::size_t>(width));
  }
  [[nodiscard]] std::vector<double> sum() const;  ///< [width]
};

/// The resampling part of a signature; 0 means that there was none.
struct SignatureSampling {
  std::int64_t bootstrap_samples = 0;
  std::int64_t randomization_trials = 0;
  std::uint64_t seed = 0;
};

/// A signature in sacreBLEU's form: `fields` ("case:mixed|eff:no") between the general ones.
[[nodiscard]] std::string make_signature(std::int64_t references, const SignatureSampling& sampling,
                                         const std::string& fields);

/// Throws std::invalid_argument when there is no reference set, or one has another length.
void check_references(std::span<const std::string> hypotheses, ReferenceSets references);

}  // namespace dragoman
