#include "dragoman/inference/attention_record.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "dragoman/data/error.h"
#include "dragoman/inference/id_batch.h"
#include "dragoman/inference/models/model_file.h"
#include "dragoman/inference/models/native_model.h"
#include "dragoman/inference/search/beam_search.h"
#include "dragoman/modules/masks.h"

namespace dragoman {
namespace {

/// weights [T, S].
AttentionMap to_map(const at::Tensor& weights) {
  const at::Tensor rows = weights.to(at::kFloat).contiguous();
  AttentionMap map;
  for (std::int64_t row = 0; row < rows.size(0); ++row) {
    const float* begin = rows.const_data_ptr<float>() + row * rows.size(1);
    map.emplace_back(begin, begin + rows.size(1));
  }
  return map;
}

/// values [1, T].
std::vector<double> to_list(const at::Tensor& values) {
  const at::Tensor row = values.to(at::kDouble).contiguous();
  return {row.const_data_ptr<double>(), row.const_data_ptr<double>() + row.numel()};
}

std::vector<std::int64_t> output_ids(const NativeModel& model, const PairEncoder& encoder,
                                     const SourceBatch& batch, const EncodedSource& source,
                                     const std::string& target, const DecodingOptions& options) {
  const auto& prefix = encoder.target_prefix();
  std::vector<std::int64_t> ids(prefix.begin(), prefix.end());
  if (!target.empty()) {
    const auto own = encoder.encode_target(target, source);
    ids.insert(ids.end(), own.begin(), own.end());
    return ids;
  }
  SearchDemands demands;
  demands.sentences.push_back({.prefix = std::move(ids)});
  return beam_search(model, batch, target_ids(encoder.target()), options, demands)
      .front()
      .front()
      .ids;
}

void check_length(std::size_t tokens, const NativeModel& model, const char* side) {
  if (static_cast<std::int64_t>(tokens) < model.max_positions()) return;
  throw UsageError(fmt::format("attention: the {} has {} tokens, the model reads {} at most.", side,
                               tokens, model.max_positions() - 1));
}

}  // namespace

AttentionRecord record_attention(const ModelFile& file, const std::string& source,
                                 const std::string& target) {
  const at::NoGradGuard no_grad;
  const PairEncoder& encoder = file.encoder;
  Transformer model = build_transformer(file);
  check_texts(std::array{source, target}, "text");
  const EncodedSource encoded = encoder.encode_source(source);
  if (encoded.ids.empty()) throw UsageError("attention: the source is empty. Give a text.");
  const NativeModel step_model(model);
  check_length(encoded.ids.size(), step_model, "source");
  const SourceBatch batch =
      source_batch(std::array{encoded}, std::array<std::int64_t, 1>{0}, encoder, at::kCPU);
  const std::vector<std::int64_t> ids =
      output_ids(step_model, encoder, batch, encoded, target, file.decoding);
  check_length(ids.size(), step_model, "target");
  const TargetBatch words = target_batch(std::array{ids}, encoder, at::kCPU);

  AttentionRecord record{.source = source, .target = encoder.decode(ids, encoded).text};
  for (const std::int32_t id : encoded.ids)
    record.source_tokens.push_back(encoder.source().piece(id));
  // What the tokeniser does not know is shown as it stands in the text.
  for (std::size_t place = 0; place < encoded.copy_ids.size(); ++place)
    if (encoded.copy_ids[place] >= step_model.vocabulary_size())
      record.source_tokens[place] = encoder.piece(encoded.copy_ids[place], encoded);
  if (encoder.special_ids().ends_source) record.source_tokens.emplace_back("</s>");
  for (const std::int64_t id : ids)
    record.target_tokens.push_back(encoder.piece(id, encoded));
  record.target_tokens.emplace_back("</s>");

  const at::Tensor mask = padding_mask(batch.lengths, batch.ids.size(1));
  DecoderState state = model->start(model->encode(batch.ids, mask), mask, /*keep_self=*/false,
                                    {batch.copy_ids, batch.extra_words});
  for (DecoderState::Layer& layer : state.layers)
    layer.keep_scores = true;
  const at::Tensor readable = words.input.masked_fill(words.input.ge(step_model.vocabulary_size()),
                                                      encoder.target().unknown_id());
  const at::Tensor hidden = model->decode(readable, state);  // [1, T, D]
  for (const DecoderState::Layer& layer : state.layers) {
    if (!layer.cross_scores.defined()) continue;  // of an lstm but the lowest
    std::vector<AttentionMap>& heads = record.cross.emplace_back();
    const at::Tensor weights = at::softmax(layer.cross_scores, -1)[0];  // [H, T, S]
    for (std::int64_t head = 0; head < weights.size(0); ++head)
      heads.push_back(to_map(weights[head]));
  }
  const TokenScores scores = step_model.score(batch, words.input, words.output);
  record.log_probabilities = to_list(scores.log_probs);
  if (!step_model.copies()) return record;
  const Pointing pointing = model->copy_head()->point(hidden, words.input, state);
  record.pointer = to_map(pointing.log_weights.exp()[0]);
  record.generate = to_list(pointing.log_generate.exp());
  record.copied = to_list(scores.copied);
  return record;
}

}  // namespace dragoman
