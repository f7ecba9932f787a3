#include "dragoman/data/corpus_sample.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/parallel_reader.h"
#include "dragoman/data/random.h"

namespace dragoman {

std::vector<std::string> sample_lines(const std::vector<CorpusConfig>& corpora, Side side,
                                      std::int64_t limit, std::uint64_t seed,
                                      InvalidText invalid_text) {
  std::vector<std::pair<std::int64_t, std::string>> kept;  // (number among all lines, line)
  std::vector<std::string> files;
  Random random(seed);
  std::int64_t seen = 0;
  std::int64_t empty = 0;
  std::string source;
  std::string target;
  for (const CorpusConfig& corpus : corpora) {
    if (corpus.weight == 0.0) continue;
    ParallelReader reader(corpus, invalid_text);
    const auto& opened = reader.files();
    files.push_back((side == Side::source ? opened.front() : opened.back())->name());
    while (reader.next(source, target)) {
      std::string& line = side == Side::source ? source : target;
      if (line.empty()) {
        ++empty;
        continue;
      }
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
  require_text(lines, files, seen + empty, empty);
  return lines;
}

void require_text(const std::vector<std::string>& lines, const std::vector<std::string>& files,
                  std::int64_t read, std::int64_t empty) {
  const bool has_text = std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return line.find_first_not_of(" \t") != std::string::npos;
  });
  if (has_text) return;
  const std::string names = fmt::format("{}", fmt::join(files, ", "));
  if (read == 0) throw DataError(fmt::format("{}: has no lines. Give a corpus with text.", names));
  throw DataError(
      fmt::format("{}: there is no text to train a tokeniser on: of {} lines {} are empty and {} "
                  "hold only blanks. Give a corpus with text.",
                  names, read, empty, read - empty));
}

}  // namespace dragoman
