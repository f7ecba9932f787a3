#include "dragoman/inference/scorer.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "dragoman/data/error.h"
#include "dragoman/inference/id_batch.h"
#include "dragoman/inference/worker_pool.h"

namespace dragoman {
namespace {

void check_lengths(const std::vector<Ids>& sources, const std::vector<Ids>& targets,
                   std::int64_t max_positions) {
  for (std::size_t index = 0; index < sources.size(); ++index) {
    const std::size_t longer = std::max(sources[index].size(), targets[index].size()) + 1;
    if (static_cast<std::int64_t>(longer) > max_positions)
      throw UsageError(
          fmt::format("pair {}: has {} source and {} target tokens, the model reads {} at most. "
                      "Leave it out or "
                      "split it.",
                      index, sources[index].size(), targets[index].size(), max_positions - 1));
  }
}

/// [B, T] int64: the ids shifted by one behind <s>, as long as `output`.
at::Tensor shift_right(const at::Tensor& output, std::int64_t begin) {
  at::Tensor input = output.roll(1, 1);
  input.select(1, 0).fill_(begin);
  return input;
}

Score to_score(const Ids& ids, const float* log_probs, const Tokenizer& tokenizer) {
  Score score;
  for (const std::int32_t id : ids)
    score.tokens.push_back(tokenizer.piece(id));
  score.token_scores.assign(log_probs, log_probs + ids.size() + 1);
  score.log_probability =
      std::accumulate(score.token_scores.begin(), score.token_scores.end(), 0.0);
  return score;
}

}  // namespace

std::vector<Score> score_texts(const StepModel& model, const Tokenizers& tokenizers,
                               std::span<const std::string> sources,
                               std::span<const std::string> targets, std::int64_t batch_size,
                               WorkerPool& workers) {
  if (sources.size() != targets.size())
    throw UsageError(fmt::format("score: {} sources but {} targets. Give one target per source.",
                                 sources.size(), targets.size()));
  const std::vector<Ids> source_ids = encode_texts(tokenizers.source, sources, "sources");
  const std::vector<Ids> target_ids = encode_texts(tokenizers.target, targets, "targets");
  check_lengths(source_ids, target_ids, model.max_positions());
  std::vector<std::int64_t> order(sources.size());
  std::iota(order.begin(), order.end(), 0);
  std::vector<std::int64_t> lengths;
  for (std::size_t index = 0; index < sources.size(); ++index)
    lengths.push_back(
        static_cast<std::int64_t>(source_ids[index].size() + target_ids[index].size()));
  const auto batches = batches_by_length(std::move(order), lengths, batch_size);

  std::vector<Score> scores(sources.size());
  workers.run(static_cast<std::int64_t>(batches.size()), [&](std::int64_t batch) {
    const std::vector<std::int64_t>& which = batches[batch];
    const SourceBatch source = source_batch(source_ids, which, tokenizers.source, model.device());
    const SourceBatch target = source_batch(target_ids, which, tokenizers.target, model.device());
    const at::Tensor log_probs =
        model.score(source, shift_right(target.ids, tokenizers.target.begin_id()), target.ids)
            .cpu()
            .contiguous();  // [B, T]
    for (std::size_t place = 0; place < which.size(); ++place)
      scores[which[place]] = to_score(target_ids[which[place]],
                                      log_probs.const_data_ptr<float>() + place * log_probs.size(1),
                                      tokenizers.target);
  });
  return scores;
}

}  // namespace dragoman
