#include "dragoman/inference/batch_translator.h"

#include <algorithm>
#include <memory>

#include "dragoman/data/config.h"
#include "dragoman/inference/beam_search.h"
#include "dragoman/inference/cpu_model.h"
#include "dragoman/inference/id_batch.h"
#include "dragoman/inference/native_model.h"
#include "dragoman/inference/protection.h"
#include "dragoman/inference/provenance.h"
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

/// On the CPU the engine that is faster by far, with a copy of the weights.
std::unique_ptr<StepModel> snapshot(const Transformer& model) {
  const at::Tensor weight = model->parameters().front();
  if (weight.is_cpu() && weight.scalar_type() == at::kFloat)
    return std::make_unique<CpuModel>(model, engine::WeightType::fp32);
  return std::make_unique<NativeModel>(model);
}

Hypothesis to_text(const IdHypothesis& ids, const PairEncoder& encoder, const SourceText& source) {
  Hypothesis hypothesis;
  for (const std::int64_t id : ids.ids)
    hypothesis.tokens.push_back(encoder.piece(id, source.encoded));
  hypothesis.text = encoder.decode(ids.ids, source.encoded).text;
  hypothesis.protection = check_protection(encoder, source.text, hypothesis.text);
  hypothesis.token_scores.assign(ids.token_scores.begin(), ids.token_scores.end());
  hypothesis.log_probability = ids.log_probability;
  hypothesis.score = ids.score;
  return hypothesis;
}

/// To be called in the order of the enumeration.
void warn(Translation& result, Status warning) {
  if (result.warnings.empty()) result.status = warning;
  result.warnings.push_back(warning);
}

/// Marks empty and over-long sources and cuts the latter; returns the indices of what has to be
/// translated.
std::vector<std::int64_t> admit(std::vector<EncodedSource>& sources, const PairEncoder& encoder,
                                std::int64_t max_length, std::vector<Translation>& results) {
  std::vector<std::int64_t> order;
  for (std::size_t index = 0; index < sources.size(); ++index) {
    EncodedSource& source = sources[index];
    if (source.ids.empty()) {
      results[index].hypotheses.emplace_back();
      warn(results[index], Status::empty_input);
      continue;
    }
    if (encoder.cut(source, max_length)) warn(results[index], Status::source_truncated);
    order.push_back(static_cast<std::int64_t>(index));
  }
  return order;
}

}  // namespace

CopyOptions copy_options(const ModelConfig& config) {
  return {.enabled = config.copy_head.enabled, .extra_words = config.copy_head.extra_words};
}

std::vector<Translation> translate_texts(const StepModel& model, const PairEncoder& model_encoder,
                                         std::span<const std::string> texts,
                                         const DecodingOptions& options, std::int64_t batch_size,
                                         WorkerPool& workers) {
  // Reading the options back from their own text checks every range and rule.
  const auto checked = parse_config<DecodingOptions>(to_json_text(options), "decoding options");
  check_texts(texts, "texts");
  const PairEncoder encoder = model_encoder.protecting(checked.protect);
  std::vector<EncodedSource> encoded;
  for (const std::string& text : texts)
    encoded.push_back(encoder.encode_source(text));
  std::vector<Translation> results(texts.size());
  const auto order = admit(encoded, encoder,
                           std::min(checked.max_source_length, model.max_positions() - 1), results);
  std::vector<std::int64_t> lengths;
  for (const EncodedSource& source : encoded)
    lengths.push_back(std::ssize(source.ids));
  const auto batches = batches_by_length(order, lengths, batch_size);
  const TargetIds ids = target_ids(encoder.target());

  workers.run(static_cast<std::int64_t>(batches.size()), [&](std::int64_t number) {
    const std::vector<std::int64_t>& which = batches[number];
    const SourceBatch batch = source_batch(encoded, which, encoder, model.device());
    const auto found = beam_search(model, batch, ids, checked);
    std::vector<SourceText> sources;
    std::vector<Translation*> translations;
    std::size_t most = 0;
    for (std::size_t place = 0; place < which.size(); ++place) {
      Translation& result = results[which[place]];
      sources.push_back({texts[which[place]], encoded[which[place]]});
      translations.push_back(&result);
      most = std::max(most, found[place].size());
      for (const IdHypothesis& hypothesis : found[place])
        result.hypotheses.push_back(to_text(hypothesis, encoder, sources.back()));
      if (!found[place].front().ended) warn(result, Status::length_capped);
    }
    if (!checked.provenance || !model.copies()) return;
    for (std::size_t rank = 0; rank < most; ++rank)
      trace_copies(model, encoder, batch, rank, found, sources, translations);
  });
  return results;
}

std::vector<Translation> translate_with(Transformer model, const PairEncoder& encoder,
                                        std::span<const std::string> texts,
                                        const DecodingOptions& options,
                                        const BatchingOptions& batching) {
  const EvaluationMode evaluation(*model);
  WorkerPool workers(std::max<std::int64_t>(batching.threads, 1));
  return translate_texts(*snapshot(model), encoder, texts, options,
                         std::max<std::int64_t>(batching.batch_size, 1), workers);
}

}  // namespace dragoman
