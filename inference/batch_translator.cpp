#include "dragoman/inference/batch_translator.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "dragoman/data/config.h"
#include "dragoman/inference/aligner.h"
#include "dragoman/inference/encode_demands.h"
#include "dragoman/inference/id_batch.h"
#include "dragoman/inference/models/cpu_model.h"
#include "dragoman/inference/models/native_model.h"
#include "dragoman/inference/protection.h"
#include "dragoman/inference/provenance.h"
#include "dragoman/inference/search/beam_search.h"
#include "dragoman/inference/search/minimum_bayes_risk.h"
#include "dragoman/inference/search/repetition.h"
#include "dragoman/inference/search/sampling.h"
#include "dragoman/inference/service/worker_pool.h"

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

/// On the CPU the engine that is faster by far, with a copy of the weights, for what it knows.
std::unique_ptr<StepModel> snapshot(const Transformer& model) {
  const at::Tensor weight = model->parameters().front();
  if (weight.is_cpu() && weight.scalar_type() == at::kFloat &&
      model->config().modules_only().empty())
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
  hypothesis.expected_chrf = ids.expected_chrf;
  return hypothesis;
}

/// To be called in the order of the enumeration.
void warn(Translation& result, Status warning) {
  if (result.warnings.empty()) result.status = warning;
  result.warnings.push_back(warning);
}

/// About the first hypothesis.
void warn_about(Translation& result, const IdHypothesis& best, const DecodingOptions& options) {
  const bool is_looped = has_loop(best.ids, options.loop_repeats);
  const bool was_stopped = is_looped && options.stop_loops;
  if (!best.ended && !was_stopped) warn(result, Status::length_capped);
  if (!result.hypotheses.front().unmet_constraints.empty()) warn(result, Status::constraints_unmet);
  if (is_looped) warn(result, Status::looped);
}

double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

}  // namespace

CopyOptions copy_options(const ModelConfig& config) {
  return {.enabled = config.copy_head.enabled, .extra_words = config.copy_head.extra_words};
}

SequenceFrame sequence_frame(const ModelConfig& config) {
  return {config.source_prefix, config.target_prefix, config.source_end};
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

std::vector<std::vector<IdHypothesis>> find_outputs(
    const StepModel& model, const SourceBatch& batch, const PairEncoder& encoder,
    const DecodingOptions& options, const SearchDemands& demands,
    std::span<const SourceText> sources, SearchObserver* observer) {
  const TargetIds ids = target_ids(encoder.target());
  if (!options.sample && options.mbr_candidates == 0)
    return beam_search(model, batch, ids, options, demands, observer);
  DecodingOptions search = options;
  if (options.mbr_candidates > 0) search.n_best = options.mbr_candidates;
  auto found = options.sample ? sample(model, batch, ids, search, demands)
                              : beam_search(model, batch, ids, search, demands);
  for (std::size_t place = 0; place < found.size(); ++place) {
    if (options.mbr_candidates > 0) {
      std::vector<std::string> texts;
      for (const IdHypothesis& hypothesis : found[place])
        texts.push_back(encoder.decode(hypothesis.ids, sources[place].encoded).text);
      keep_least_risk(found[place], texts, options.sample, options.n_best);
    }
    const auto sentence = static_cast<std::int64_t>(place);
    if (observer != nullptr && !observer->is_abandoned(sentence))
      observer->on_finished(sentence, found[place]);
  }
  return found;
}

void add_hypotheses(std::span<const IdHypothesis> found, const SentenceDemands& demands,
                    const DecodingOptions& options, const PairEncoder& encoder,
                    const SourceText& source, Translation& result) {
  for (const IdHypothesis& hypothesis : found) {
    Hypothesis& added = result.hypotheses.emplace_back(to_text(hypothesis, encoder, source));
    added.unmet_constraints =
        unmet_constraints(encoder, source.encoded, demands.phrases, added.text);
  }
  warn_about(result, found.front(), options);
}

std::vector<Translation> translate_texts(const StepModel& model, const PairEncoder& model_encoder,
                                         const TextBatch& batch, const DecodingOptions& options,
                                         std::int64_t batch_size, WorkerPool& workers) {
  const std::span<const std::string> texts = batch.texts;
  // Reading the options back from their own text checks every range and rule.
  const auto checked = parse_config<DecodingOptions>(to_json_text(options), "decoding options");
  check_texts(texts, "texts");
  check_attention(model, checked);
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
  const SearchDemands demands =
      encode_demands(encoder, encoded, checked, batch.own, model.max_positions());

  workers.run(static_cast<std::int64_t>(batches.size()), [&](std::int64_t number) {
    const auto begun = Clock::now();
    const std::vector<std::int64_t>& which = batches[number];
    const SourceBatch source = source_batch(encoded, which, encoder, model.device());
    std::vector<SourceText> sources;
    for (const std::int64_t index : which)
      sources.push_back({texts[index], encoded[index]});
    const auto found =
        find_outputs(model, source, encoder, checked, demands.select(which), sources);
    std::vector<Translation*> translations;
    for (std::size_t place = 0; place < which.size(); ++place) {
      translations.push_back(&results[which[place]]);
      add_hypotheses(found[place], demands.of(which[place]), checked, encoder, sources[place],
                     *translations.back());
    }
    if (wants_trace(model, checked))
      trace_outputs(model, encoder, source, found, sources, checked, translations);
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
  return translate_texts(*snapshot(model), encoder, {texts, {}}, options,
                         std::max<std::int64_t>(batching.batch_size, 1), workers);
}

}  // namespace dragoman
