// Texts to translations with a model that is in memory already: what Translator does for its
// callers, and what validation during training does with the live model.
//
//   std::vector<Translation> results = translate_with(model, {source, target}, lines, options);
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dragoman/data/pair_encoder.h"
#include "dragoman/inference/decoding_options.h"
#include "dragoman/inference/demands.h"
#include "dragoman/inference/provenance.h"
#include "dragoman/inference/search/hypotheses.h"
#include "dragoman/inference/translator.h"
#include "dragoman/modules/model_config.h"

namespace dragoman {

class SearchObserver;
class StepModel;
class Transformer;
class WorkerPool;

/// What the encoder of a model's texts has to do for its copy head.
[[nodiscard]] CopyOptions copy_options(const ModelConfig& config);
/// And what it puts in front of them.
[[nodiscard]] SequenceFrame sequence_frame(const ModelConfig& config);

struct BatchingOptions {
  std::int64_t batch_size = 32;  ///< sentences decoded together by one worker
  std::int64_t threads = 1;      ///< workers; each computes on one core
};

/// Cuts an over-long source; `result` says so. False: there is nothing to translate, and `result`
/// is complete.
[[nodiscard]] bool admit(EncodedSource& source, const PairEncoder& encoder, std::int64_t max_length,
                         Translation& result);
/// Tokens without </s>.
[[nodiscard]] std::int64_t longest_source(const StepModel& model, const DecodingOptions& options);
/// What beam search or sampling finds, and minimum Bayes risk keeps of it. `observer`, unless null,
/// hears of every sentence that is not abandoned.
[[nodiscard]] std::vector<std::vector<IdHypothesis>> find_outputs(
    const StepModel& model, const SourceBatch& batch, const PairEncoder& encoder,
    const DecodingOptions& options, const SearchDemands& demands,
    std::span<const SourceText> sources, SearchObserver* observer = nullptr);
/// What was found for one source, as text. Provenance is not filled in.
void add_hypotheses(std::span<const IdHypothesis> found, const SentenceDemands& demands,
                    const DecodingOptions& options, const PairEncoder& encoder,
                    const SourceText& source, Translation& result);

/// As many results as texts, in their order. The model is in evaluation mode meanwhile and then as
/// it was before; it records no gradients. The model's device is used. Throws UsageError for bad
/// options and for texts that are not UTF-8.
[[nodiscard]] std::vector<Translation> translate_with(Transformer model, const PairEncoder& encoder,
                                                      std::span<const std::string> texts,
                                                      const DecodingOptions& options,
                                                      const BatchingOptions& batching = {});

struct TextBatch {
  std::span<const std::string> texts;
  std::span<const TextOptions> own = {};  ///< one per text, or empty
};

/// The same with any step model and with workers that live longer than one call.
[[nodiscard]] std::vector<Translation> translate_texts(
    const StepModel& model, const PairEncoder& encoder, const TextBatch& batch,
    const DecodingOptions& options, std::int64_t batch_size, WorkerPool& workers);

}  // namespace dragoman
