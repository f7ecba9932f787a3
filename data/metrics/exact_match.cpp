#include "dragoman/data/metrics/exact_match.h"

#include <algorithm>
#include <sstream>

namespace dragoman {

namespace {

std::string with_single_spaces(const std::string& line) {
  std::istringstream words(line);
  std::string result;
  for (std::string word; words >> word;)
    result.append(result.empty() ? "" : " ").append(word);
  return result;
}

}  // namespace

Statistics exact_match_statistics(const std::vector<std::string>& hypotheses,
                                  ReferenceSets references) {
  check_references(hypotheses, references);
  Statistics statistics{.width = 2, .values = {}};
  for (std::size_t line = 0; line < hypotheses.size(); ++line) {
    const std::string hypothesis = with_single_spaces(hypotheses[line]);
    const bool matches = std::ranges::any_of(
        references, [&](const auto& set) { return with_single_spaces(set[line]) == hypothesis; });
    statistics.values.insert(statistics.values.end(), {matches ? 1.0 : 0.0, 1.0});
  }
  return statistics;
}

double exact_match_from_statistics(std::span<const double> sums) {
  return sums[1] == 0.0 ? 0.0 : 100.0 * sums[0] / sums[1];
}

double corpus_exact_match(const std::vector<std::string>& hypotheses, ReferenceSets references) {
  return exact_match_from_statistics(exact_match_statistics(hypotheses, references).sum());
}

std::string exact_match_signature(std::int64_t references, const SignatureSampling& sampling) {
  return make_signature(references, sampling, "case:mixed|space:collapsed");
}

}  // namespace dragoman
