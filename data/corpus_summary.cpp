#include "dragoman/data/corpus_summary.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "dragoman/data/byte_reader.h"
#include "dragoman/data/error.h"
#include "dragoman/data/parallel.h"
#include "dragoman/data/parallel_reader.h"

namespace dragoman {

namespace {

constexpr std::size_t kBlockSize = 1 << 20;

/// Four independent lanes of multiply and rotate (as in xxHash by Collet), so that hashing keeps up
/// with reading. Every block but the last must be a multiple of 32 bytes.
class Hash {
 public:
  void add(const char* bytes, std::size_t size) {
    total_ += size;
    for (; size >= kStripe; size -= kStripe, bytes += kStripe) {
      std::array<std::uint64_t, 4> words{};
      std::memcpy(words.data(), bytes, kStripe);
      for (std::size_t lane = 0; lane < 4; ++lane)
        lanes_[lane] = mix(lanes_[lane], words[lane]);
    }
    std::array<std::uint64_t, 4> words{};
    std::memcpy(words.data(), bytes, size);
    if (size > 0) {
      for (std::size_t lane = 0; lane < 4; ++lane)
        lanes_[lane] = mix(lanes_[lane], words[lane]);
    }
  }

  [[nodiscard]] std::uint64_t value() const {
    std::uint64_t result = total_;
    for (const auto lane : lanes_)
      result = mix(result ^ (result >> 29), lane);
    return result ^ (result >> 32);
  }

 private:
  static constexpr std::size_t kStripe = 32;

  [[nodiscard]] static std::uint64_t mix(std::uint64_t state, std::uint64_t word) {
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    state += word * 0xC2B2AE3D27D4EB4FU;
    return std::rotl(state, 31) * 0x9E3779B185EBCA87U;
  }

  std::array<std::uint64_t, 4> lanes_{1, 2, 3, 4};
  std::uint64_t total_ = 0;
};

CorpusSummary join(const CorpusFiles& files, const std::vector<FileSummary>& parts) {
  CorpusSummary corpus{.name = names_of(files), .pairs = parts.front().lines};
  std::string hashes;
  for (const auto& part : parts)
    hashes += fmt::format("{:x} {} ", part.hash, part.bytes);
  corpus.hash = hash_bytes(hashes);
  for (std::size_t file = 1; file < files.size(); ++file) {
    if (parts[file].lines != corpus.pairs)
      throw DataError(different_counts(files.front()->name(), corpus.pairs, files[file]->name(),
                                       parts[file].lines));
  }
  if (corpus.pairs == 0) {
    throw DataError(fmt::format("{}: has no lines. Give a corpus with text.", corpus.name));
  }
  return corpus;
}

}  // namespace

std::uint64_t hash_bytes(std::string_view bytes) {
  Hash hash;
  hash.add(bytes.data(), bytes.size());
  return hash.value();
}

FileSummary summarize(std::shared_ptr<const InputFile> file) {
  ByteReader reader(std::move(file));
  FileSummary summary;
  Hash hash;
  std::vector<char> block(kBlockSize);
  char last = '\n';
  for (bool is_end = false; !is_end;) {
    std::size_t size = 0;
    while (size < block.size()) {
      const std::size_t count = reader.read(block.data() + size, block.size() - size);
      is_end = count == 0;
      if (is_end) break;
      size += count;
    }
    if (size == 0) break;
    hash.add(block.data(), size);
    summary.bytes += static_cast<std::int64_t>(size);
    summary.lines += std::count(block.data(), block.data() + size, '\n');
    last = block[size - 1];
  }
  if (last != '\n') ++summary.lines;
  summary.hash = hash.value();
  return summary;
}

std::vector<CorpusSummary> summarize_corpora(const std::vector<CorpusFiles>& corpora,
                                             std::int64_t threads) {
  std::vector<std::vector<FileSummary>> parts;
  std::vector<std::pair<std::size_t, std::size_t>> tasks;
  for (std::size_t corpus = 0; corpus < corpora.size(); ++corpus) {
    parts.emplace_back(corpora[corpus].size());
    for (std::size_t file = 0; file < corpora[corpus].size(); ++file)
      tasks.emplace_back(corpus, file);
  }
  run_parallel(threads, tasks.size(), [&](std::size_t task) {
    const auto [corpus, file] = tasks[task];
    parts[corpus][file] = summarize(corpora[corpus][file]);
  });
  std::vector<CorpusSummary> summaries;
  for (std::size_t corpus = 0; corpus < corpora.size(); ++corpus) {
    summaries.push_back(join(corpora[corpus], parts[corpus]));
  }
  return summaries;
}

}  // namespace dragoman
