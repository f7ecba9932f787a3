#include "dragoman/inference/models/scorer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "dragoman/data/config.h"
#include "dragoman/data/error.h"
#include "dragoman/inference/aligner.h"
#include "dragoman/inference/id_batch.h"
#include "dragoman/inference/service/worker_pool.h"

namespace dragoman {
namespace {

void check_lengths(std::span<const EncodedSource> sources,
                   std::span<const std::vector<std::int64_t>> targets, std::int64_t max_positions) {
  for (std::size_t index = 0; index < sources.size(); ++index) {
    const std::size_t longer = std::max(sources[index].ids.size(), targets[index].size()) + 1;
    if (static_cast<std::int64_t>(longer) > max_positions)
      throw UsageError(
          fmt::format("pair {}: has {} source and {} target tokens, the model reads {} at most. "
                      "Leave it out or "
                      "split it.",
                      index, sources[index].ids.size(), targets[index].size(), max_positions - 1));
  }
}

Score to_score(const std::vector<std::int64_t>& ids, const float* log_probs,
               const PairEncoder& encoder, const EncodedSource& source) {
  Score score;
  for (const std::int64_t id : ids)
    score.tokens.push_back(encoder.piece(id, source));
  score.token_scores.assign(log_probs, log_probs + ids.size() + 1);
  score.log_probability =
      std::accumulate(score.token_scores.begin(), score.token_scores.end(), 0.0);
  return score;
}

}  // namespace

std::vector<Score> score_texts(const StepModel& model, const PairEncoder& encoder,
                               const ScoredTexts& texts, std::int64_t batch_size,
                               WorkerPool& workers) {
  const auto& [sources, targets, given] = texts;
  // Reading the options back from their own text checks every range.
  const auto alignment = parse_config<AlignmentOptions>(to_json_text(given), "alignment options");
  const bool aligns = alignment.alignment != AlignmentOutput::none;
  if (aligns) check_attention_layer(model, alignment.attention_layer);
  if (sources.size() != targets.size())
    throw UsageError(fmt::format("score: {} sources but {} targets. Give one target per source.",
                                 sources.size(), targets.size()));
  check_texts(sources, "sources");
  check_texts(targets, "targets");
  std::vector<EncodedSource> source_ids;
  std::vector<std::vector<std::int64_t>> target_ids;
  for (std::size_t index = 0; index < sources.size(); ++index) {
    source_ids.push_back(encoder.encode_source(sources[index]));
    const auto ids = encoder.encode_target(targets[index], source_ids.back());
    target_ids.emplace_back(encoder.target_prefix().begin(), encoder.target_prefix().end());
    target_ids.back().insert(target_ids.back().end(), ids.begin(), ids.end());
  }
  check_lengths(source_ids, target_ids, model.max_positions());
  std::vector<std::int64_t> order(sources.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::int64_t> lengths;
  for (std::size_t index = 0; index < sources.size(); ++index)
    lengths.push_back(
        static_cast<std::int64_t>(source_ids[index].ids.size() + target_ids[index].size()));
  const auto batches = batches_by_length(std::move(order), lengths, batch_size);

  std::vector<Score> scores(sources.size());
  workers.run(static_cast<std::int64_t>(batches.size()), [&](std::int64_t batch) {
    const std::vector<std::int64_t>& which = batches[batch];
    SourceBatch source = source_batch(source_ids, which, encoder, model.device());
    if (aligns) source.attention_layer = alignment.attention_layer;
    std::vector<std::vector<std::int64_t>> wanted;
    for (const std::int64_t index : which)
      wanted.push_back(target_ids[index]);
    const TargetBatch target = target_batch(wanted, encoder, model.device());
    const TokenScores found = model.score(source, target.input, target.output);
    const at::Tensor log_probs = found.log_probs.cpu().contiguous();  // [B, T]
    // Words that the model begins every output with are certain, as in a search.
    log_probs.narrow(1, 0, std::ssize(encoder.target_prefix())).zero_();
    at::Tensor attention;
    if (aligns) attention = found.attention.cpu().contiguous();  // [B, T, S]
    for (std::size_t place = 0; place < which.size(); ++place) {
      const std::int64_t index = which[place];
      scores[index] =
          to_score(wanted[place], log_probs.const_data_ptr<float>() + place * log_probs.size(1),
                   encoder, source_ids[index]);
      if (aligns)
        scores[index].alignment =
            align_pair(encoder, {sources[index], source_ids[index], wanted[place]}, attention,
                       place, alignment);
    }
  });
  return scores;
}

}  // namespace dragoman
