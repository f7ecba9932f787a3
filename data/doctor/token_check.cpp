#include "dragoman/data/doctor/token_check.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <string_view>

#include "dragoman/data/doctor/words.h"
#include "dragoman/data/parallel.h"
#include "dragoman/data/random.h"

namespace dragoman {

namespace {

constexpr std::size_t kEncodedPairs = 2048;  ///< tokenised by one thread in one go

/// Tokens of one block of pairs.
struct EncodedBlock {
  TokenCounts source;
  TokenCounts target;
  FilterCounts filter;
  Tally dropped;
  std::vector<std::size_t> kept_corpus;
  std::vector<std::int64_t> source_uses;
  std::vector<std::int64_t> target_uses;
};

std::int64_t words_of(std::string_view text) {
  std::int64_t words = 0;
  for_each_word(text, [&words](std::string_view) { ++words; });
  return words;
}

void count_tokens(TokenCounts& counts, PairNumber pair, std::string_view text,
                  const std::vector<std::int32_t>& ids, const Tokenizer& tokenizer,
                  std::vector<std::int64_t>& uses) {
  counts.words += words_of(text);
  counts.tokens += std::ssize(ids);
  counts.unknown += std::ranges::count(ids, tokenizer.unknown_id());
  for (const std::int32_t id : ids) {
    if (id < std::ssize(uses))
      ++uses[static_cast<std::size_t>(id)];
    else
      ++counts.copied;
  }
  if (std::ssize(ids) > counts.longest) {
    counts.longest = std::ssize(ids);
    counts.longest_pair = pair;
  }
}

void add_counts(TokenCounts& counts, const TokenCounts& later) {
  counts.tokens += later.tokens;
  counts.words += later.words;
  counts.unknown += later.unknown;
  counts.copied += later.copied;
  if (later.longest > counts.longest) {
    counts.longest = later.longest;
    counts.longest_pair = later.longest_pair;
  }
}

}  // namespace

TokenExamination examine_tokens(const SetExamination& set, const DataConfig& config,
                                const PairEncoder& encoder, bool is_train) {
  const auto& pairs = set.sample.pairs();
  TokenExamination result;
  result.source_uses.resize(static_cast<std::size_t>(encoder.source().size()));
  result.target_uses.resize(static_cast<std::size_t>(encoder.target().size()));
  const std::size_t blocks = (pairs.size() + kEncodedPairs - 1) / kEncodedPairs;
  result.kept.grow(blocks);
  std::vector<EncodedBlock> encoded(blocks);
  run_parallel(config.threads, blocks, [&](std::size_t index) {
    EncodedBlock& block = encoded[index];
    block.source_uses.resize(result.source_uses.size());
    block.target_uses.resize(result.target_uses.size());
    const std::size_t end = std::min(pairs.size(), (index + 1) * kEncodedPairs);
    for (std::size_t at = index * kEncodedPairs; at < end; ++at) {
      const PairSample::Pair& pair = pairs[at];
      const Example example =
          encoder.encode(pair.source, pair.target, {.max_source_length = config.max_source_length});
      if (example.is_cut) ++block.filter.cut;
      count_tokens(block.source, pair.number, pair.source, example.source, encoder.source(),
                   block.source_uses);
      count_tokens(block.target, pair.number, pair.target, example.target, encoder.target(),
                   block.target_uses);
      if (!passes_filter(config, std::ssize(example.source), std::ssize(example.target),
                         block.filter)) {
        block.dropped.add(pair.number, pair.source);
      } else if (is_train) {
        result.kept.block(index).append(example);
        block.kept_corpus.push_back(set.places.corpus(pair.number));
      }
    }
  });
  for (const EncodedBlock& block : encoded) {
    add_counts(result.source, block.source);
    add_counts(result.target, block.target);
    result.filter.add(block.filter);
    result.dropped.add(block.dropped);
    result.kept_corpus.insert(result.kept_corpus.end(), block.kept_corpus.begin(),
                              block.kept_corpus.end());
    std::ranges::transform(result.source_uses, block.source_uses, result.source_uses.begin(),
                           std::plus());
    std::ranges::transform(result.target_uses, block.target_uses, result.target_uses.begin(),
                           std::plus());
  }
  result.kept.finish();
  return result;
}

EpochEstimate estimate_epoch(const SetExamination& set, const TokenExamination& tokens,
                             std::span<const double> weights, const DataConfig& config) {
  EpochEstimate estimate;
  const std::vector<PairLength> lengths = tokens.kept.lengths();
  std::vector<PairLength> planned;
  Random random({static_cast<std::uint64_t>(config.seed), 0x646f63});
  for (std::size_t pair = 0; pair < lengths.size(); ++pair) {
    const double weight = weights[tokens.kept_corpus[pair]];
    auto times = static_cast<std::int64_t>(weight);
    constexpr std::uint64_t kParts = 1U << 20;
    if (static_cast<double>(random.below(kParts)) < (weight - static_cast<double>(times)) * kParts)
      ++times;
    for (; times > 0; --times) {
      planned.push_back(lengths[pair]);
      estimate.pairs.push_back(static_cast<std::uint32_t>(pair));
    }
  }
  if (planned.empty()) return estimate;
  estimate.plan = plan_batches(
      planned, {.tokens = config.batch_tokens, .sentences = config.max_batch_sentences}, random);
  estimate.scale = static_cast<double>(set.pairs) / static_cast<double>(set.sample.pairs().size());
  double cells = 0;
  for (std::size_t batch = 0; batch < estimate.plan.batches.size(); ++batch) {
    std::int64_t source = 0;
    std::int64_t target = 0;
    const auto members = estimate.plan.batch(batch);
    for (const std::uint32_t member : members) {
      const PairLength& length = planned[member];
      source = std::max<std::int64_t>(source, length.source + 1);
      target = std::max<std::int64_t>(target, length.target + 1);
      estimate.source_tokens += length.source + 1;
      estimate.target_tokens += length.target + 1;
    }
    cells += static_cast<double>((source + target) * std::ssize(members));
    if (members.size() == 1 && std::max(source, target) > config.batch_tokens)
      ++estimate.sentences_alone;
  }
  estimate.padding = 1.0 - (estimate.source_tokens + estimate.target_tokens) / cells;
  estimate.batches = estimate.scale * static_cast<double>(estimate.plan.batches.size());
  estimate.sentences = estimate.scale * static_cast<double>(planned.size());
  estimate.source_tokens *= estimate.scale;
  estimate.target_tokens *= estimate.scale;
  estimate.sentences_alone *= estimate.scale;
  return estimate;
}

void report_tokens(const SetExamination& set, const TokenExamination& tokens,
                   const DataConfig& config, bool copies, std::vector<Finding>& findings) {
  const bool is_train = set.name == "train";
  const ReportedSet reported{set.name, set.pairs, set.places};
  const FilterCounts& filter = tokens.filter;
  const auto sampled = static_cast<std::int64_t>(set.sample.pairs().size());
  const char* of_sample = set.sample.is_whole() ? "" : " of a sample";
  if (const std::int64_t lost = filter.too_long + filter.ratio + filter.too_short;
      is_train && lost > 0) {
    std::string reasons;
    const auto reason = [&](std::int64_t count, const std::string& text) {
      if (count > 0) reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", count, text);
    };
    reason(filter.too_long, fmt::format("longer than max_length {}", config.max_length));
    reason(filter.ratio, fmt::format("over max_length_ratio {}", config.max_length_ratio));
    reason(filter.too_short, fmt::format("shorter than min_length {}", config.min_length));
    findings.push_back(
        {20 * lost > sampled ? Severity::warning : Severity::note, "dropped", set.name,
         fmt::format("pairs{} that training drops ({}): {}", of_sample, reasons, lost), lost,
         sampled, reported.examples(tokens.dropped, Side::source),
         "If they are good, raise the limits in section data, or cut long sources "
         "with data.max_source_length."});
  }
  if (filter.cut > 0)
    findings.push_back({Severity::note,
                        "cut",
                        set.name,
                        fmt::format("sources{} cut to max_source_length {}: {}", of_sample,
                                    config.max_source_length, filter.cut),
                        filter.cut,
                        sampled,
                        {},
                        ""});
  for (const Side side : {Side::source, Side::target}) {
    const TokenCounts& counts = side == Side::source ? tokens.source : tokens.target;
    if (counts.unknown == 0) continue;
    const bool is_source = side == Side::source;
    const bool is_many = 100 * counts.unknown > counts.tokens && !(is_source && copies);
    findings.push_back(
        {is_many ? Severity::warning : Severity::note,
         "unknown",
         set.name,
         fmt::format("{} tokens{} that the tokeniser does not know: {}",
                     is_source ? "source" : "target", of_sample, counts.unknown),
         counts.unknown,
         counts.tokens,
         {},
         is_source && copies
             ? "Each can be copied as it is, but the encoder does not know which word "
               "it was."
         : is_source ? "The model cannot tell these words apart: use more or smaller pieces "
                       "(bpe, byte_fallback), or a copy head."
         : copies    ? "No output can hold them, for they are not in the source either."
                     : "No output can hold them: use more or smaller pieces (bpe, "
                       "byte_fallback), or a copy head."});
  }
}

}  // namespace dragoman
