// Streams of batches over made-up corpora, and what comes out of them as text.
#pragma once

#include <ATen/ops/equal.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "dragoman/data/batch_stream.h"
#include "tests/data/texts.h"
#include "tests/support/temporary_folder.h"

namespace dragoman_test {

/// One tokeniser for all tests: training it takes longer than most of them.
inline const dragoman::Tokenizer& shared_tokenizer() {
  static const dragoman::Tokenizer tokenizer = character_tokenizer();
  return tokenizer;
}

/// Lines "NAME NUMBER ..." whose number is the same on both sides.
struct Corpus {
  Corpus(const std::string& name, std::size_t pairs, std::uint64_t seed = 1) {
    for (const auto& line : made_up_lines(pairs, seed))
      source.push_back(name + " " + line);
    for (const auto& line : made_up_lines(pairs, seed + 1000))
      target.push_back(name + " " + line);
  }
  Texts source;
  Texts target;
};

inline dragoman::CorpusConfig write_corpus(const TemporaryFolder& folder, const std::string& name,
                                           const Corpus& corpus, double weight = 1.0) {
  return {.source = folder.write(name + ".source", join(corpus.source)),
          .target = folder.write(name + ".target", join(corpus.target)),
          .weight = weight};
}

/// Small chunks and batches, so that short corpora have many of both.
inline dragoman::DataConfig small_batches(std::vector<dragoman::CorpusConfig> corpora) {
  dragoman::DataConfig config;
  config.train = std::move(corpora);
  config.batch_tokens = 400;
  config.shuffle_buffer = 100;
  config.prefetch_batches = 3;
  return config;
}

inline dragoman::BatchStream open_stream(const dragoman::DataConfig& config, std::int64_t rank = 0,
                                         std::int64_t world_size = 1) {
  return {config, {shared_tokenizer(), shared_tokenizer()}, rank, world_size};
}

inline Texts rows_as_text(const at::Tensor& ids, const at::Tensor& lengths) {
  Texts texts;
  for (std::int64_t row = 0; row < ids.size(0); ++row) {
    const auto* start = ids[row].const_data_ptr<std::int64_t>();
    const std::vector<std::int32_t> tokens(start, start + lengths[row].item<std::int64_t>() - 1);
    texts.push_back(shared_tokenizer().decode(tokens));
  }
  return texts;
}

inline std::vector<dragoman::StreamedBatch> take(dragoman::BatchStream& stream, std::size_t count) {
  std::vector<dragoman::StreamedBatch> batches;
  while (batches.size() < count)
    batches.push_back(stream.next());
  return batches;
}

inline std::vector<dragoman::StreamedBatch> take_epoch(dragoman::BatchStream& stream) {
  std::vector<dragoman::StreamedBatch> batches;
  do {
    batches.push_back(stream.next());
  } while (!batches.back().ends_epoch);
  return batches;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

inline Pairs pairs_of(const std::vector<dragoman::StreamedBatch>& batches) {
  Pairs pairs;
  for (const auto& [batch, epoch, position, ends_epoch] : batches) {
    const auto sources = rows_as_text(batch.source, batch.source_lengths);
    const auto targets = rows_as_text(batch.target_output, batch.target_lengths);
    for (std::size_t row = 0; row < sources.size(); ++row)
      pairs.emplace_back(sources[row], targets[row]);
  }
  return pairs;
}

inline Pairs sorted(Pairs pairs) {
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

inline Pairs pairs_of(const Corpus& corpus) {
  Pairs pairs;
  for (std::size_t line = 0; line < corpus.source.size(); ++line) {
    pairs.emplace_back(corpus.source[line], corpus.target[line]);
  }
  return sorted(std::move(pairs));
}

inline bool are_equal(const dragoman::StreamedBatch& left, const dragoman::StreamedBatch& right) {
  return at::equal(left.batch.source, right.batch.source) &&
         at::equal(left.batch.target_input, right.batch.target_input) &&
         at::equal(left.batch.target_output, right.batch.target_output) &&
         at::equal(left.batch.source_lengths, right.batch.source_lengths) &&
         at::equal(left.batch.target_lengths, right.batch.target_lengths) &&
         left.epoch == right.epoch && left.position == right.position &&
         left.ends_epoch == right.ends_epoch;
}

inline bool are_equal(const std::vector<dragoman::StreamedBatch>& left,
                      const std::vector<dragoman::StreamedBatch>& right) {
  return left.size() == right.size() &&
         std::equal(left.begin(), left.end(), right.begin(),
                    [](const auto& one, const auto& other) { return are_equal(one, other); });
}

}  // namespace dragoman_test
