#include "dragoman/inference/batch_translator.h"

#include <algorithm>

#include "dragoman/data/config.h"
#include "dragoman/inference/beam_search.h"
#include "dragoman/inference/id_batch.h"
#include "dragoman/inference/native_model.h"
#include "dragoman/inference/worker_pool.h"

namespace dragoman {
namespace {

/// Evaluation mode while it lives.
class EvaluationMode {
 public:
  explicit EvaluationMode(TransformerImpl& model)
      : model_(model), was_training_(model.is_training()) {
    model_.eval();
  }
  ~EvaluationMode() { model_.train(was_training_); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  TransformerImpl& model_;
  bool was_training_;
};

Hypothesis to_text(const IdHypothesis& ids, const Tokenizer& tokenizer) {
  Hypothesis hypothesis;
  Ids narrow;
  for (const std::int64_t id : ids.ids) {
    narrow.push_back(static_cast<std::int32_t>(id));
    hypothesis.tokens.push_back(tokenizer.piece(narrow.back()));
  }
  hypothesis.text = tokenizer.decode(narrow);
  hypothesis.token_scores.assign(ids.token_scores.begin(), ids.token_scores.end());
  hypothesis.log_probability = ids.log_probability;
  hypothesis.score = ids.score;
  return hypothesis;
}

TargetIds target_ids(const Tokenizer& tokenizer) {
  return {tokenizer.begin_id(), tokenizer.end_id(), tokenizer.pad_id(), tokenizer.unknown_id()};
}

/// Marks empty and over-long sources and cuts the latter; returns the indices of what has to be
/// translated.
std::vector<std::int64_t> admit(std::vector<Ids>& sources, std::int64_t max_length,
                                std::vector<Translation>& results) {
  std::vector<std::int64_t> order;
  for (std::size_t index = 0; index < sources.size(); ++index) {
    if (sources[index].empty()) {
      results[index] = {{Hypothesis{}}, Status::empty_input};
      continue;
    }
    if (static_cast<std::int64_t>(sources[index].size()) > max_length) {
      sources[index].resize(static_cast<std::size_t>(max_length));
      results[index].status = Status::source_truncated;
    }
    order.push_back(static_cast<std::int64_t>(index));
  }
  return order;
}

}  // namespace

std::vector<Translation> translate_texts(const StepModel& model, const Tokenizers& tokenizers,
                                         std::span<const std::string> texts,
                                         const DecodingOptions& options, std::int64_t batch_size,
                                         WorkerPool& workers) {
  // Reading the options back from their own text checks every range and rule.
  const auto checked = parse_config<DecodingOptions>(to_json_text(options), "decoding options");
  std::vector<Ids> sources = encode_texts(tokenizers.source, texts, "texts");
  std::vector<Translation> results(texts.size());
  const auto order =
      admit(sources, std::min(checked.max_source_length, model.max_positions() - 1), results);
  std::vector<std::int64_t> lengths;
  for (const Ids& ids : sources)
    lengths.push_back(static_cast<std::int64_t>(ids.size()));
  const auto batches = batches_by_length(order, lengths, batch_size);
  const TargetIds ids = target_ids(tokenizers.target);

  workers.run(static_cast<std::int64_t>(batches.size()), [&](std::int64_t batch) {
    const std::vector<std::int64_t>& which = batches[batch];
    const SourceBatch source = source_batch(sources, which, tokenizers.source, model.device());
    const auto found = beam_search(model, source, ids, checked);
    for (std::size_t place = 0; place < which.size(); ++place) {
      Translation& result = results[which[place]];
      for (const IdHypothesis& hypothesis : found[place])
        result.hypotheses.push_back(to_text(hypothesis, tokenizers.target));
      if (!found[place].front().ended && result.status == Status::ok)
        result.status = Status::length_capped;
    }
  });
  return results;
}

std::vector<Translation> translate_with(Transformer model, const Tokenizers& tokenizers,
                                        std::span<const std::string> texts,
                                        const DecodingOptions& options,
                                        const BatchingOptions& batching) {
  const EvaluationMode evaluation(*model);
  WorkerPool workers(std::max<std::int64_t>(batching.threads, 1));
  return translate_texts(NativeModel(model), tokenizers, texts, options,
                         std::max<std::int64_t>(batching.batch_size, 1), workers);
}

}  // namespace dragoman
