#include "dragoman/inference/batch_translator.h"

#include <algorithm>
#include <chrono>

#include "dragoman/data/config.h"
#include "dragoman/inference/beam_search.h"
#include "dragoman/inference/id_batch.h"
#include "dragoman/inference/native_model.h"
#include "dragoman/inference/protection.h"
#include "dragoman/inference/worker_pool.h"

namespace dragoman {
namespace {

using Clock = std::chrono::steady_clock;

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

double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

CopyOptions copy_options(const ModelConfig& config) {
  return {.enabled = config.copy_head.enabled, .extra_words = config.copy_head.extra_words};
}

bool admit(EncodedSource& source, const PairEncoder& encoder, std::int64_t max_length,
           Translation& result) {
  if (source.ids.empty()) {
    result.hypotheses.emplace_back();
    warn(result, Status::empty_input);
    return false;
  }
  if (encoder.cut(source, max_length)) warn(result, Status::source_truncated);
  return true;
}

std::int64_t longest_source(const StepModel& model, const DecodingOptions& options) {
  return std::min(options.max_source_length, model.max_positions() - 1);
}

void add_hypotheses(std::span<const IdHypothesis> found, const PairEncoder& encoder,
                    const SourceText& source, Translation& result) {
  for (const IdHypothesis& hypothesis : found)
    result.hypotheses.push_back(to_text(hypothesis, encoder, source));
  if (!found.front().ended) warn(result, Status::length_capped);
}

void add_provenance(const StepModel& model, const PairEncoder& encoder, const SourceBatch& batch,
                    std::span<const std::vector<IdHypothesis>> found,
                    std::span<const SourceText> sources, std::span<Translation* const> results) {
  std::size_t most = 0;
  for (const auto& hypotheses : found)
    most = std::max(most, hypotheses.size());
  for (std::size_t rank = 0; rank < most; ++rank)
    trace_copies(model, encoder, batch, rank, found, sources, results);
}

std::vector<Translation> translate_texts(const StepModel& model, const PairEncoder& model_encoder,
                                         std::span<const std::string> texts,
                                         const DecodingOptions& options, std::int64_t batch_size,
                                         WorkerPool& workers) {
  // Reading the options back from their own text checks every range and rule.
  const auto checked = parse_config<DecodingOptions>(to_json_text(options), "decoding options");
  check_texts(texts, "texts");
  const PairEncoder encoder = model_encoder.protecting(checked.protect);
  const auto called = Clock::now();
  std::vector<EncodedSource> encoded;
  std::vector<Translation> results(texts.size());
  std::vector<std::int64_t> order;
  std::vector<std::int64_t> lengths;
  for (std::size_t index = 0; index < texts.size(); ++index) {
    EncodedSource& source = encoded.emplace_back(encoder.encode_source(texts[index]));
    if (admit(source, encoder, longest_source(model, checked), results[index]))
      order.push_back(static_cast<std::int64_t>(index));
    lengths.push_back(std::ssize(source.ids));
  }
  const auto batches = batches_by_length(order, lengths, batch_size);
  const TargetIds ids = target_ids(encoder.target());

  workers.run(static_cast<std::int64_t>(batches.size()), [&](std::int64_t number) {
    const auto begun = Clock::now();
    const std::vector<std::int64_t>& which = batches[number];
    const SourceBatch batch = source_batch(encoded, which, encoder, model.device());
    const auto found = beam_search(model, batch, ids, checked);
    std::vector<SourceText> sources;
    std::vector<Translation*> translations;
    for (std::size_t place = 0; place < which.size(); ++place) {
      sources.push_back({texts[which[place]], encoded[which[place]]});
      translations.push_back(&results[which[place]]);
      add_hypotheses(found[place], encoder, sources.back(), *translations.back());
    }
    if (checked.provenance && model.copies())
      add_provenance(model, encoder, batch, found, sources, translations);
    for (Translation* result : translations) {
      result->queued_ms = milliseconds(begun - called);
      result->computing_ms = milliseconds(Clock::now() - begun);
    }
  });
  return results;
}

std::vector<Translation> translate_with(Transformer model, const PairEncoder& encoder,
                                        std::span<const std::string> texts,
                                        const DecodingOptions& options,
                                        const BatchingOptions& batching) {
  const EvaluationMode evaluation(*model);
  WorkerPool workers(std::max<std::int64_t>(batching.threads, 1));
  return translate_texts(NativeModel(model), encoder, texts, options,
                         std::max<std::int64_t>(batching.batch_size, 1), workers);
}

}  // namespace dragoman
