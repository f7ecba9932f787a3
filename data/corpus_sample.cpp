#include "dragoman/data/corpus_sample.h"

#include <algorithm>
#include <utility>

#include "dragoman/data/parallel_reader.h"
#include "dragoman/data/random.h"

namespace dragoman {

std::vector<std::string> sample_lines(const std::vector<CorpusConfig>& corpora, Side side,
                                      std::int64_t limit, std::uint64_t seed,
                                      InvalidText invalid_text) {
  std::vector<std::pair<std::int64_t, std::string>> kept;  // (number among all lines, line)
  Random random(seed);
  std::int64_t seen = 0;
  std::string source;
  std::string target;
  for (const CorpusConfig& corpus : corpora) {
    if (corpus.weight == 0.0) continue;
    ParallelReader reader(corpus, invalid_text);
    while (reader.next(source, target)) {
      std::string& line = side == Side::source ? source : target;
      if (line.empty()) continue;
      if (seen < limit) {
        kept.emplace_back(seen, std::move(line));
      } else if (const auto place = random.below(static_cast<std::uint64_t>(seen) + 1);
                 place < static_cast<std::uint64_t>(limit)) {
        kept[place] = {seen, std::move(line)};
      }
      ++seen;
    }
  }
  std::sort(kept.begin(), kept.end());
  std::vector<std::string> lines;
  lines.reserve(kept.size());
  for (auto& [number, line] : kept)
    lines.push_back(std::move(line));
  return lines;
}

}  // namespace dragoman
