#include "dragoman/inference/batch_translator.h"

#include <algorithm>
#include <memory>

#include "dragoman/data/config.h"
#include "dragoman/inference/beam_search.h"
#include "dragoman/inference/cpu_model.h"
#include "dragoman/inference/encode_demands.h"
#include "dragoman/inference/id_batch.h"
#include "dragoman/inference/minimum_bayes_risk.h"
#include "dragoman/inference/native_model.h"
#include "dragoman/inference/protection.h"
#include "dragoman/inference/provenance.h"
#include "dragoman/inference/repetition.h"
#include "dragoman/inference/sampling.h"
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

/// What the model finds for a batch. Under mbr_candidates: what is kept of the candidates, and the
/// expected chrF of each.
struct Found {
  std::vector<std::vector<IdHypothesis>> hypotheses;  ///< [B][n_best]
  std::vector<std::vector<double>> expected_chrf;     ///< the same, or empty
};

Found decode(const StepModel& model, const SourceBatch& batch, const PairEncoder& encoder,
             const DecodingOptions& options, const SearchDemands& demands,
             std::span<const EncodedSource* const> sources) {
  DecodingOptions search = options;
  if (options.mbr_candidates > 0) search.n_best = options.mbr_candidates;
  const TargetIds ids = target_ids(encoder.target());
  Found found{options.sample ? sample(model, batch, ids, search, demands)
                             : beam_search(model, batch, ids, search, demands),
              {}};
  if (options.mbr_candidates == 0) return found;
  for (std::size_t place = 0; place < found.hypotheses.size(); ++place) {
    std::vector<std::string> texts;
    for (const IdHypothesis& hypothesis : found.hypotheses[place])
      texts.push_back(encoder.decode(hypothesis.ids, *sources[place]).text);
    found.expected_chrf.push_back(
        keep_least_risk(found.hypotheses[place], texts, options.sample, options.n_best));
  }
  return found;
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
                                         const TextBatch& batch, const DecodingOptions& options,
                                         std::int64_t batch_size, WorkerPool& workers) {
  const std::span<const std::string> texts = batch.texts;
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
  const SearchDemands demands =
      encode_demands(encoder, encoded, checked, batch.own, model.max_positions());

  workers.run(static_cast<std::int64_t>(batches.size()), [&](std::int64_t number) {
    const std::vector<std::int64_t>& which = batches[number];
    const SourceBatch source = source_batch(encoded, which, encoder, model.device());
    std::vector<const EncodedSource*> encoded_here;
    for (const std::int64_t index : which)
      encoded_here.push_back(&encoded[index]);
    const auto [found, expected_chrf] =
        decode(model, source, encoder, checked, demands.select(which), encoded_here);
    std::vector<SourceText> sources;
    std::vector<Translation*> translations;
    std::size_t most = 0;
    for (std::size_t place = 0; place < which.size(); ++place) {
      Translation& result = results[which[place]];
      sources.push_back({texts[which[place]], encoded[which[place]]});
      translations.push_back(&result);
      most = std::max(most, found[place].size());
      const auto& phrases = demands.of(which[place]).phrases;
      for (std::size_t rank = 0; rank < found[place].size(); ++rank) {
        Hypothesis& hypothesis =
            result.hypotheses.emplace_back(to_text(found[place][rank], encoder, sources.back()));
        hypothesis.unmet_constraints =
            unmet_constraints(encoder, encoded[which[place]], phrases, hypothesis.text);
        if (!expected_chrf.empty()) hypothesis.expected_chrf = expected_chrf[place][rank];
      }
      warn_about(result, found[place].front(), checked);
    }
    if (!checked.provenance || !model.copies()) return;
    for (std::size_t rank = 0; rank < most; ++rank)
      trace_copies(model, encoder, source, rank, found, sources, translations);
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
