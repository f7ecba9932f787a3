#include "dragoman/data/chunk_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <span>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/data/parallel.h"
#include "dragoman/data/random.h"

namespace dragoman {

namespace {

constexpr std::size_t kBlockPairs = 512;   ///< tokenised by one thread in one go
constexpr std::size_t kReadPairs = 16384;  ///< held as text at a time

/// What the generators are for, so that no two draw the same numbers.
constexpr std::uint64_t kOrderStream = 0x6f72646572;
constexpr std::uint64_t kFractionStream = 0x6672616374;
constexpr std::uint64_t kSamplingStream = 0x73616d706c65;

std::string name_of(InvalidText value) {
  for (const auto& [name, entry] : names(InvalidText{})) {
    if (entry == value) return std::string(name);
  }
  return {};
}

StreamIdentity identify(const DataConfig& config, const PairEncoder& encoder) {
  StreamIdentity identity;
  auto& settings = identity.settings;
  const auto set = [&settings](const char* key, const auto& value) {
    settings[key] = fmt::format("{}", value);
  };
  set("data.invalid_text", name_of(config.invalid_text));
  set("data.min_length", config.min_length);
  set("data.max_length", config.max_length);
  if (config.max_source_length > 0) set("data.max_source_length", config.max_source_length);
  set("data.max_length_ratio", config.max_length_ratio);
  set("data.batch_tokens", config.batch_tokens.value);
  set("data.max_batch_sentences", config.max_batch_sentences);
  set("data.shuffle_buffer", config.shuffle_buffer);
  set("data.seed", config.seed);
  set("hash of the source tokeniser", fmt::format("{:016x}", hash_bytes(encoder.source().bytes())));
  set("hash of the target tokeniser", fmt::format("{:016x}", hash_bytes(encoder.target().bytes())));
  // Absent without copying, as in positions of versions that had none.
  if (encoder.options().enabled) {
    set("words that only copying produces", encoder.options().extra_words);
    for (const std::string& pattern : encoder.options().protect)
      settings["data.protect"] += pattern + '\n';
  }
  for (const auto& [side, sampling] : {std::pair("source", encoder.source_sampling()),
                                       std::pair("target", encoder.target_sampling())}) {
    const auto set_sampling = [&](std::string_view key, double value) {
      if (value > 0.0)
        settings[fmt::format("tokenizer.{}_{}", side, key)] = fmt::format("{}", value);
    };
    set_sampling("dropout", sampling.dropout);
    set_sampling("alpha", sampling.alpha);
  }
  if (config.temperature != 1.0) set("data.temperature", config.temperature);
  for (std::size_t index = 0; index < config.train.size(); ++index) {
    const CorpusConfig& corpus = config.train[index];
    const std::string key = fmt::format("data.train[{}].", index);
    settings[key + "weight"] = fmt::format("{}", corpus.weight);
    if (!corpus.source_prefix.empty()) settings[key + "source_prefix"] = corpus.source_prefix;
    if (!corpus.target_prefix.empty()) settings[key + "target_prefix"] = corpus.target_prefix;
  }
  return identity;
}

}  // namespace

/// Lines as they were read. The strings keep their memory from one round to the next.
struct ChunkSource::Texts {
  std::vector<std::string> source = std::vector<std::string>(kReadPairs);
  std::vector<std::string> target = std::vector<std::string>(kReadPairs);
  std::int64_t first = 0;  ///< number of the first of them, within the chunk
  std::vector<std::vector<WordLink>> links = std::vector<std::vector<WordLink>>(kReadPairs);
};

std::vector<Example> Chunk::examples(std::size_t batch) const {
  std::vector<Example> examples;
  for (const std::uint32_t pair : plan.batch(batch))
    examples.push_back(content->pairs.unpack(pair));
  return examples;
}

ChunkSource::ChunkSource(const DataConfig& config, PairEncoder encoder)
    : config_(config), encoder_(std::move(encoder)), identity_(identify(config_, encoder_)) {
  if (config_.train.empty()) {
    throw UsageError("data.train: names no corpus. Add {\"source\": ..., \"target\": ...}.");
  }
  if (config_.batch_tokens.is_automatic())
    throw UsageError("data.batch_tokens: is auto, and was not tried out. Give a number.");
  std::vector<ParallelReader> readers;
  std::vector<CorpusFiles> files;
  for (const auto& corpus : config_.train) {
    readers.emplace_back(with_folder(corpus, config_.folder), config_.invalid_text);
    files.push_back(readers.back().files());
    if (const auto& links = readers.back().alignment_file()) files.back().push_back(links);
  }
  identity_.corpora = summarize_corpora(files, config_.threads);
  std::vector<std::int64_t> sizes;
  std::vector<double> weights;
  for (std::size_t index = 0; index < readers.size(); ++index) {
    sizes.push_back(identity_.corpora[index].pairs);
    weights.push_back(config_.train[index].weight);
  }
  const std::vector<double> passes = passes_per_epoch(sizes, weights, config_.temperature);
  std::int64_t pairs = 0;
  for (std::size_t index = 0; index < readers.size(); ++index) {
    const auto seed =
        Random({static_cast<std::uint64_t>(config_.seed), kFractionStream, index}).next();
    cursors_.emplace_back(std::move(readers[index]), sizes[index], passes[index], seed);
    pairs += cursors_.back().pairs_per_epoch();
  }
  if (pairs == 0) {
    throw UsageError("data.train: every corpus has weight 0. Give one a greater weight.");
  }
  chunks_ = (pairs + config_.shuffle_buffer - 1) / config_.shuffle_buffer;
  is_whole_epoch_ = chunks_ == 1 && !encoder_.is_sampling() &&
                    std::none_of(cursors_.begin(), cursors_.end(),
                                 [](const auto& cursor) { return cursor.is_random(); });
}

std::vector<CorpusShare> ChunkSource::shares() const {
  std::vector<CorpusShare> shares;
  for (std::size_t corpus = 0; corpus < cursors_.size(); ++corpus)
    shares.push_back({.name = identity_.corpora[corpus].name,
                      .pairs = identity_.corpora[corpus].pairs,
                      .pairs_per_epoch = cursors_[corpus].pairs_per_epoch()});
  return shares;
}

void ChunkSource::seek(const StreamPosition& position) {
  epoch_ = position.epoch;
  chunk_ = position.chunk;
  for (std::size_t index = 0; index < cursors_.size(); ++index) {
    cursors_[index].seek(position.corpora[index]);
  }
}

/// Each chunk of an epoch takes the same part of every corpus, so that the mix is even and no chunk
/// is much smaller than the others.
std::int64_t ChunkSource::share(std::size_t corpus) const {
  const std::int64_t pairs = cursors_[corpus].pairs_per_epoch();
  // pairs * chunk / chunks without overflow
  const auto before = [this, pairs](std::int64_t chunk) {
    return pairs / chunks_ * chunk + pairs % chunks_ * chunk / chunks_;
  };
  return before(chunk_ + 1) - before(chunk_);
}

Chunk ChunkSource::next(const std::stop_token& stop) {
  FilterCounts skipped;
  for (std::int64_t tried = 0; tried < chunks_; ++tried) {
    Chunk chunk;
    chunk.start = {.epoch = epoch_, .chunk = chunk_, .batches = 0, .corpora = {}};
    for (const auto& cursor : cursors_)
      chunk.start.corpora.push_back(cursor.position());
    chunk.is_last = chunk_ + 1 == chunks_;
    chunk.content = content(stop);
    if (stop.stop_requested()) return {};
    skipped.add(chunk.content->counts);
    if (chunk.content->pairs.size() > 0) {
      chunk.plan = plan(chunk.content->pairs);
      chunk.counts = skipped;
    }
    chunk_ = chunk.is_last ? 0 : chunk_ + 1;
    epoch_ += chunk.is_last ? 1 : 0;
    if (chunk.content->pairs.size() > 0) return chunk;
  }
  fail_filtered(skipped);
}

void ChunkSource::fail_filtered(const FilterCounts& counts) const {
  std::string names;
  for (std::size_t corpus = 0; corpus < cursors_.size(); ++corpus) {
    if (cursors_[corpus].pairs_per_epoch() == 0) continue;
    names += (names.empty() ? "" : ", ") + identity_.corpora[corpus].name;
  }
  throw DataError(fmt::format(
      "{}: none of {} pairs passes the filters ({} empty, {} shorter than data.min_length ({}), {} "
      "longer than data.max_length ({}), {} over data.max_length_ratio ({})). Check the files, or "
      "relax these limits.",
      names, counts.read, counts.empty, counts.too_short, config_.min_length, counts.too_long,
      config_.max_length, counts.ratio, config_.max_length_ratio));
}

/// A corpus that fits into one chunk is read and tokenised once.
std::shared_ptr<const TokenizedPairs> ChunkSource::content(const std::stop_token& stop) {
  if (whole_epoch_) {
    for (auto& cursor : cursors_)
      cursor.skip_epoch();
    return whole_epoch_;
  }
  auto content = std::make_shared<const TokenizedPairs>(read_chunk(stop));
  if (is_whole_epoch_ && !stop.stop_requested()) whole_epoch_ = content;
  return content;
}

TokenizedPairs ChunkSource::read_chunk(const std::stop_token& stop) {
  TokenizedPairs content;
  Texts texts;
  std::size_t held = 0;
  for (std::size_t corpus = 0; corpus < cursors_.size(); ++corpus) {
    auto& cursor = cursors_[corpus];
    const std::int64_t repaired = cursor.repaired();
    for (std::int64_t left = share(corpus); left > 0; --left) {
      if (held == kReadPairs) {
        tokenize(texts, held, content);
        texts.first += static_cast<std::int64_t>(std::exchange(held, 0));
        if (stop.stop_requested()) return content;
      }
      cursor.next(texts.source[held], texts.target[held]);
      texts.links[held] = cursor.links();
      ++held;
    }
    content.counts.invalid_text += cursor.repaired() - repaired;
  }
  tokenize(texts, held, content);
  content.pairs.finish();
  return content;
}

/// From the place of a pair, so that neither the threads nor a resumption change what is drawn.
std::optional<std::uint64_t> ChunkSource::sampling_seed(std::int64_t pair) const {
  if (!encoder_.is_sampling()) return {};
  return Random({static_cast<std::uint64_t>(config_.seed), kSamplingStream,
                 static_cast<std::uint64_t>(epoch_), static_cast<std::uint64_t>(chunk_),
                 static_cast<std::uint64_t>(pair)})
      .next();
}

void ChunkSource::tokenize(const Texts& texts, std::size_t count, TokenizedPairs& content) const {
  const std::size_t blocks = (count + kBlockPairs - 1) / kBlockPairs;
  const std::size_t first = content.pairs.grow(blocks);
  std::vector<FilterCounts> counts(blocks);
  run_parallel(config_.threads, blocks, [&](std::size_t block) {
    auto& pairs = content.pairs.block(first + block);
    const std::size_t end = std::min(count, (block + 1) * kBlockPairs);
    for (std::size_t pair = block * kBlockPairs; pair < end; ++pair) {
      const Example example =
          encoder_.encode(texts.source[pair], texts.target[pair],
                          {.max_source_length = config_.max_source_length,
                           .seed = sampling_seed(texts.first + static_cast<std::int64_t>(pair)),
                           .links = texts.links[pair]});
      if (example.is_cut) ++counts[block].cut;
      if (passes_filter(config_, std::ssize(example.source), std::ssize(example.target),
                        counts[block]))
        pairs.append(example);
    }
    pairs.shrink();
  });
  for (const auto& part : counts)
    content.counts.add(part);
}

BatchPlan ChunkSource::plan(const PairBlocks& pairs) const {
  Random random({static_cast<std::uint64_t>(config_.seed), kOrderStream,
                 static_cast<std::uint64_t>(epoch_), static_cast<std::uint64_t>(chunk_)});
  return plan_batches(pairs.lengths(),
                      {.tokens = config_.batch_tokens, .sentences = config_.max_batch_sentences},
                      random);
}

}  // namespace dragoman
