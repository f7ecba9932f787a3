#include "dragoman/inference/models/native_model.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "dragoman/modules/attention_choice.h"
#include "dragoman/modules/masks.h"

namespace dragoman {
namespace {

/// Positions whose vocabulary-sized rows are in memory at once while scoring.
constexpr std::int64_t kScoredTogether = 1024;

struct NativeState final : StepState {
  explicit NativeState(DecoderState state) : decoder(std::move(state)) {}
  DecoderState decoder;
  std::int64_t unknown = 1;
  bool keeps_attention = false;
  std::optional<std::int64_t> attention_layer;  ///< none: the pointer
  at::Tensor attention;                         ///< [R, S] of the last position
};

/// Asks `state` for the attention that `source` wants; the layer, or none for the pointer.
std::optional<std::int64_t> ask_attention(const ModelConfig& config, const SourceBatch& source,
                                          DecoderState& state) {
  const auto layer = attention_layer_of(config, *source.attention_layer);
  if (layer) state.layers.at(static_cast<std::size_t>(*layer)).keep_scores = true;
  return layer;
}

/// What the last call of the decoder attended to: [R, T, S].
at::Tensor kept_attention(const DecoderState& state, std::optional<std::int64_t> layer,
                          const Pointing& pointing, const at::Tensor& tokens) {
  if (!layer) return pointing.log_weights.exp();
  const at::Tensor& scores = state.layers[static_cast<std::size_t>(*layer)].cross_scores;
  return at::softmax(scores, -1, at::kFloat)
      .mean(1)  // [B, R / B * T, S]
      .view({tokens.size(0), tokens.size(1), scores.size(3)});
}

NativeState& native(StepState& state) {
  return static_cast<NativeState&>(state);
}

/// Extra words as the decoder reads them.
at::Tensor readable(const at::Tensor& tokens, std::int64_t vocabulary, std::int64_t unknown) {
  return tokens.masked_fill(tokens.ge(vocabulary), unknown);
}

}  // namespace

struct NativeModel::Last {
  at::Tensor hidden;  ///< [R, D]
  Pointing pointing;  ///< T = 1; empty without a copy head
};

NativeModel::NativeModel(Transformer model)
    : model_(model.ptr()), device_(model_->parameters().front().device()) {}

std::unique_ptr<StepState> NativeModel::start(const SourceBatch& source) const {
  const at::Tensor mask = padding_mask(source.lengths, source.ids.size(1));  // [B, S]
  auto state = std::make_unique<NativeState>(model_->start(model_->encode(source.ids, mask), mask,
                                                           /*keep_self=*/true,
                                                           {source.copy_ids, source.extra_words}));
  state->unknown = source.unknown;
  if (source.attention_layer) {
    state->keeps_attention = true;
    state->attention_layer = ask_attention(model_->config(), source, state->decoder);
  }
  return state;
}

NativeModel::Last NativeModel::decode(const at::Tensor& next, StepState& state) const {
  DecoderState& decoder = native(state).decoder;
  const bool has_extra = decoder.copying.extra_words > 0;
  const at::Tensor hidden = model_->decode(
      has_extra ? readable(next, vocabulary_size(), native(state).unknown) : next, decoder);
  const std::int64_t last = next.size(1) - 1;
  // The pointer's coverage must see every position.
  const Pointing all = copies() ? model_->copy_head()->point(hidden, next, decoder) : Pointing();
  if (NativeState& own = native(state); own.keeps_attention)
    own.attention = kept_attention(decoder, own.attention_layer, all, next).select(1, last);
  if (!copies()) return {hidden.select(1, last), {}};
  return {hidden.select(1, last),
          {all.log_weights.narrow(1, last, 1), all.log_generate.narrow(1, last, 1),
           all.log_copy.narrow(1, last, 1)}};
}

at::Tensor NativeModel::step(const at::Tensor& next, StepState& state) const {
  const Last last = decode(next, state);
  const at::Tensor words = model_->head()->log_probs(last.hidden);
  const DecoderState::Copying& copying = native(state).decoder.copying;
  return copies() ? mixture_log_probs(words, last.pointing, copying.ids, copying.extra_words)
                  : words;
}

Candidates NativeModel::step_candidates(const at::Tensor& next, StepState& state,
                                        const CandidateRequest& request) const {
  if (copies()) return StepModel::step_candidates(next, state, request);
  return best_of_rows(model_->head()->logits(decode(next, state).hidden), Scores::logits, request);
}

void NativeModel::reorder(StepState& state, const at::Tensor& rows,
                          const at::Tensor& sentences) const {
  NativeState& own = native(state);
  own.decoder.reorder(rows);
  if (!sentences.defined()) return;
  own.decoder.keep_sentences(sentences);
}

std::int64_t NativeModel::vocabulary_size() const {
  return model_->config().target_vocabulary;
}

std::int64_t NativeModel::max_positions() const {
  const bool is_limited = model_->config().used_positions() == PositionKind::learned;
  return is_limited ? model_->config().max_positions : StepModel::max_positions();
}

std::int64_t NativeModel::attention_layers() const {
  return model_->config().attention_layers();
}

at::Tensor NativeModel::attention(const StepState& state) const {
  return static_cast<const NativeState&>(state).attention;
}

/// hidden [N, D], words [N] int64 in the vocabulary -> [N]: log softmax of the generator.
at::Tensor NativeModel::word_log_probs(const at::Tensor& hidden, const at::Tensor& words) const {
  std::vector<at::Tensor> scores;
  for (std::int64_t start = 0; start < hidden.size(0); start += kScoredTogether) {
    const std::int64_t count = std::min(kScoredTogether, hidden.size(0) - start);
    scores.push_back(model_->head()
                         ->log_probs(hidden.narrow(0, start, count))
                         .gather(1, words.narrow(0, start, count).unsqueeze(1)));  // [count, 1]
  }
  return at::cat(scores).squeeze(1);
}

TokenScores NativeModel::score(const SourceBatch& source, const at::Tensor& input,
                               const at::Tensor& output) const {
  const at::Tensor mask = padding_mask(source.lengths, source.ids.size(1));  // [B, S]
  DecoderState state = model_->start(model_->encode(source.ids, mask), mask, /*keep_self=*/false,
                                     {source.copy_ids, source.extra_words});
  const std::int64_t vocabulary = vocabulary_size();
  std::optional<std::int64_t> layer;
  if (source.attention_layer) layer = ask_attention(model_->config(), source, state);
  const at::Tensor hidden = model_->decode(readable(input, vocabulary, source.unknown), state);
  const at::Tensor words =
      word_log_probs(hidden.flatten(0, 1),
                     readable(output, vocabulary, source.unknown).reshape({-1}))
          .view(output.sizes());  // [B, T]
  const Pointing pointing =
      copies() ? model_->copy_head()->point(hidden, input, state) : Pointing();
  at::Tensor attention;
  if (source.attention_layer) attention = kept_attention(state, layer, pointing, input);
  if (!copies()) return {words, {}, {}, attention};
  const at::Tensor generated =
      (words + pointing.log_generate)
          .masked_fill(output.ge(vocabulary), -std::numeric_limits<double>::infinity());
  const at::Tensor copied = copied_log_probs(pointing, source.copy_ids, output);  // [B, T]
  const at::Tensor total = at::logaddexp(generated, copied);
  const at::Tensor holds = source.copy_ids.unsqueeze(1).eq(output.unsqueeze(2));  // [B, T, S]
  const at::Tensor positions =
      pointing.log_weights
          .masked_fill(holds.logical_not(), -std::numeric_limits<double>::infinity())
          .argmax(-1)
          .masked_fill(holds.any(-1).logical_not(), -1);
  return {total, (copied - total).exp(), positions, attention};
}

}  // namespace dragoman
