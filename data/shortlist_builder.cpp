#include "dragoman/data/shortlist_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/data/lexical_model.h"
#include "dragoman/data/line_reader.h"
#include "dragoman/data/parallel.h"
#include "dragoman/data/parallel_reader.h"

namespace dragoman {
namespace {

/// Pairs that are in memory at once.
constexpr std::size_t kShortlistBlock = 10000;
/// Longer sentences cost the square of their length and say little about single words.
constexpr std::size_t kMostPieces = 250;

using Candidates = std::vector<std::vector<std::int32_t>>;

std::int64_t thread_count(const ShortlistOptions& options) {
  return options.threads > 0 ? options.threads : std::max(1U, std::thread::hardware_concurrency());
}

TokenPair encode_pair(const PairEncoder& encoder, const std::string& source,
                      const std::string& target) {
  const EncodedSource encoded = encoder.encode_source(source);
  TokenPair pair{encoded.ids, {}};
  // Words of no vocabulary are copied.
  for (const std::int32_t id : encoder.encode_target(target, encoded))
    if (id < encoder.target().size()) pair.target.push_back(id);
  const bool is_usable = !pair.source.empty() && !pair.target.empty() &&
                         pair.source.size() <= kMostPieces && pair.target.size() <= kMostPieces;
  return is_usable ? pair : TokenPair();
}

/// Visits the corpus once.
void add_corpus(const PairEncoder& encoder, ParallelReader reader, const ShortlistOptions& options,
                LexicalModel& model, ShortlistReport& report) {
  report = {};
  bool goes_on = true;
  while (goes_on) {
    std::vector<std::pair<std::string, std::string>> texts;
    std::string source;
    std::string target;
    while (texts.size() < kShortlistBlock) {
      goes_on = (options.max_pairs == 0 || report.pairs < options.max_pairs) &&
                reader.next(source, target);
      if (!goes_on) break;
      texts.emplace_back(source, target);
      ++report.pairs;
    }
    std::vector<TokenPair> pairs(texts.size());
    run_parallel(thread_count(options), texts.size(), [&](std::size_t index) {
      pairs[index] = encode_pair(encoder, texts[index].first, texts[index].second);
    });
    report.skipped +=
        std::erase_if(pairs, [](const TokenPair& pair) { return pair.source.empty(); });
    model.add(pairs);
  }
}

/// The words of the greatest counts; of equal ones the smaller id.
std::vector<std::int32_t> most_frequent(const std::vector<std::int64_t>& counts,
                                        std::int64_t wanted) {
  std::vector<std::int32_t> words(counts.size());
  std::iota(words.begin(), words.end(), 0);
  std::ranges::stable_sort(words, std::greater<>(), [&](std::int32_t word) {
    return counts[static_cast<std::size_t>(word)];
  });
  words.resize(std::min(words.size(), static_cast<std::size_t>(wanted)));
  return words;
}

/// Adds what is spelled alike on both sides and what every output may need.
Shortlist complete_shortlist(const PairEncoder& encoder, std::vector<std::int32_t> frequent,
                             Candidates candidates) {
  const Tokenizer& target = encoder.target();
  frequent.push_back(target.end_id());
  frequent.push_back(target.unknown_id());
  for (std::int32_t word = 0; word < encoder.source().size(); ++word) {
    const std::string piece = encoder.source().piece(word);
    const std::int32_t same = target.id(piece);
    if (target.piece(same) == piece) candidates[static_cast<std::size_t>(word)].push_back(same);
  }
  return {tokenizer_hash(encoder), target.size(), std::move(frequent), candidates};
}

std::vector<std::string_view> columns_of(std::string_view line) {
  std::vector<std::string_view> columns;
  for (std::size_t at = line.find_first_not_of(" \t"); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    columns.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(" \t", end);
  }
  return columns;
}

double parse_probability(std::string_view text, const std::string& where) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    throw DataError(
        fmt::format("{}: '{}' is no probability. Each line is a target piece, a source "
                    "piece and a probability.",
                    where, text));
  return value;
}

}  // namespace

Shortlist build_shortlist(const PairEncoder& encoder, const CorpusConfig& corpus,
                          const ShortlistOptions& options, InvalidText invalid_text,
                          ShortlistReport& report) {
  if (corpus.source == "-" || corpus.target == "-")
    throw UsageError(
        "shortlist: the corpus is read several times, which standard input cannot be. Name files.");
  LexicalModel model(encoder.source().size(), encoder.target().size(), thread_count(options));
  for (std::int64_t iteration = 0; iteration < options.iterations; ++iteration) {
    add_corpus(encoder, ParallelReader(corpus, invalid_text), options, model, report);
    model.maximize();
  }
  if (report.pairs == report.skipped)
    throw DataError(fmt::format("{}: has no pair of sentences to learn from ({} read).",
                                corpus.source, report.pairs));
  report.entries = static_cast<std::int64_t>(model.size());
  Candidates candidates;
  for (const auto& translations : model.best(static_cast<std::size_t>(options.best))) {
    std::vector<std::int32_t>& words = candidates.emplace_back();
    for (const LexicalModel::Translation& translation : translations)
      words.push_back(translation.word);
  }
  return complete_shortlist(encoder, most_frequent(model.frequencies(), options.first),
                            std::move(candidates));
}

Shortlist import_shortlist(const PairEncoder& encoder, const std::string& path,
                           const ShortlistOptions& options, ShortlistReport& report) {
  const Tokenizer& source = encoder.source();
  const Tokenizer& target = encoder.target();
  std::vector<std::vector<std::pair<double, std::int32_t>>> lists(
      static_cast<std::size_t>(source.size()));
  LineReader reader(path);
  std::string line;
  report = {};
  while (reader.next(line)) {
    const auto columns = columns_of(line);
    if (columns.empty()) continue;
    if (columns.size() != 3)
      throw DataError(
          fmt::format("{}: has {} columns. Each line is a target piece, a source piece "
                      "and a probability.",
                      reader.where(), columns.size()));
    const double probability = parse_probability(columns[2], reader.where());
    ++report.pairs;
    const std::int32_t word = target.id(columns[0]);
    const std::int32_t of = source.id(columns[1]);
    if (target.piece(word) != columns[0] || source.piece(of) != columns[1])
      ++report.skipped;  // NULL, and what the tokenisers lack
    else
      lists[static_cast<std::size_t>(of)].emplace_back(-probability, word);
  }
  report.entries = report.pairs - report.skipped;
  if (report.entries == 0)
    throw DataError(
        fmt::format("{}: none of its {} lines names a piece of both tokenisers. The "
                    "table must be of their pieces, target first.",
                    path, report.pairs));
  Candidates candidates;
  for (auto& list : lists) {
    std::ranges::sort(list);
    std::vector<std::int32_t>& words = candidates.emplace_back();
    for (const auto& [rank, word] : list)
      if (std::ssize(words) < options.best) words.push_back(word);
  }
  std::vector<std::int32_t> first(static_cast<std::size_t>(std::min(options.first, target.size())));
  std::iota(first.begin(), first.end(), 0);
  return complete_shortlist(encoder, std::move(first), std::move(candidates));
}

}  // namespace dragoman
