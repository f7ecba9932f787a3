#include "dragoman/inference/models/ensemble_model.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

constexpr double kImpossible = -std::numeric_limits<double>::infinity();

/// parts: log-probabilities of one shape -> log of the weighted mean of the probabilities.
at::Tensor log_mean(const std::vector<at::Tensor>& parts, const std::vector<double>& log_weights) {
  std::vector<at::Tensor> weighted;
  for (std::size_t index = 0; index < parts.size(); ++index)
    weighted.push_back(parts[index] + log_weights[index]);
  return at::logsumexp(at::stack(weighted), {0});
}

/// parts [R, V] -> [R, V]: log of the weighted geometric mean, normalised.
at::Tensor log_geometric_mean(const std::vector<at::Tensor>& parts,
                              const std::vector<double>& log_weights) {
  at::Tensor sum = parts.front() * std::exp(log_weights.front());
  for (std::size_t index = 1; index < parts.size(); ++index)
    sum.add_(parts[index], std::exp(log_weights[index]));
  return at::log_softmax(sum, -1);
}

/// sum + weight * part; an undefined sum is 0.
at::Tensor add_weighted(const at::Tensor& sum, const at::Tensor& part, double log_weight) {
  const at::Tensor weighted = part * std::exp(log_weight);
  return sum.defined() ? sum + weighted : weighted;
}

}  // namespace

struct EnsembleModel::State final : StepState {
  std::vector<std::unique_ptr<StepState>> states;
  std::int64_t extra_words = 0;
  std::int64_t unknown = 1;
};

EnsembleModel::EnsembleModel(std::vector<std::unique_ptr<StepModel>> models,
                             const EnsembleOptions& options)
    : models_(std::move(models)), ensembling_(options.ensembling) {
  const std::vector<double>& weights = options.weights;
  if (models_.empty()) throw UsageError("ensemble: no model. Give one at least.");
  if (!weights.empty() && weights.size() != models_.size())
    throw UsageError(fmt::format("ensemble: {} weights for {} models. Give one weight per model.",
                                 weights.size(), models_.size()));
  for (const double weight : weights)
    if (!(weight > 0.0) || std::isinf(weight))
      throw UsageError(fmt::format(
          "ensemble: the weight {} is not positive. Leave a model out that shall not count.",
          weight));
  for (const auto& model : models_)
    if (model->vocabulary_size() != vocabulary_size())
      throw UsageError(
          fmt::format("ensemble: the models have {} and {} target words. Models that decide "
                      "together must share their vocabulary.",
                      vocabulary_size(), model->vocabulary_size()));
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (std::size_t index = 0; index < models_.size(); ++index)
    log_weights_.push_back(weights.empty() ? -std::log(static_cast<double>(models_.size()))
                                           : std::log(weights[index] / sum));
}

std::unique_ptr<StepState> EnsembleModel::start(const SourceBatch& source) const {
  auto state = std::make_unique<State>();
  for (const auto& model : models_)
    state->states.push_back(model->start(source));
  state->extra_words = source.extra_words;
  state->unknown = source.unknown;
  return state;
}

at::Tensor EnsembleModel::readable(std::size_t index, const at::Tensor& tokens,
                                   std::int64_t unknown) const {
  return models_[index]->copies() ? tokens
                                  : tokens.masked_fill(tokens.ge(vocabulary_size()), unknown);
}

at::Tensor EnsembleModel::step(const at::Tensor& next, StepState& state) const {
  auto& own = static_cast<State&>(state);
  const std::int64_t words = vocabulary_size() + own.extra_words;
  std::vector<at::Tensor> parts;  // [R, words] each
  for (std::size_t index = 0; index < models_.size(); ++index) {
    const at::Tensor part =
        models_[index]->step(readable(index, next, own.unknown), *own.states[index]);
    parts.push_back(at::constant_pad_nd(part, {0, words - part.size(1)}, kImpossible));
  }
  return ensembling_ == Ensembling::linear ? log_mean(parts, log_weights_)
                                           : log_geometric_mean(parts, log_weights_);
}

void EnsembleModel::reorder(StepState& state, const at::Tensor& rows,
                            const at::Tensor& sentences) const {
  auto& own = static_cast<State&>(state);
  for (std::size_t index = 0; index < models_.size(); ++index)
    models_[index]->reorder(*own.states[index], rows, sentences);
}

TokenScores EnsembleModel::score(const SourceBatch& source, const at::Tensor& input,
                                 const at::Tensor& output) const {
  std::vector<at::Tensor> parts;         // [B, T] each: log-probabilities
  std::vector<at::Tensor> copied_parts;  // [B, T] each: log of what copying adds
  std::vector<at::Tensor> positions;     // [B, T] each
  at::Tensor attention;                  // [B, T, S]
  const at::Tensor is_extra = output.ge(vocabulary_size());
  for (std::size_t index = 0; index < models_.size(); ++index) {
    const TokenScores scores = models_[index]->score(source, readable(index, input, source.unknown),
                                                     readable(index, output, source.unknown));
    if (source.attention_layer)
      attention = add_weighted(attention, scores.attention, log_weights_[index]);
    const bool copies = scores.copied.defined();
    parts.push_back(copies ? scores.log_probs
                           : scores.log_probs.masked_fill(is_extra, kImpossible));
    copied_parts.push_back(copies ? scores.log_probs + scores.copied.log()
                                  : at::full_like(scores.log_probs, kImpossible));
    positions.push_back(copies ? scores.positions : at::full_like(output, -1));
  }
  const at::Tensor mean = log_mean(parts, log_weights_);
  // A normalised geometric mean needs every word's probability: step by step.
  TokenScores result{
      ensembling_ == Ensembling::linear ? mean : StepModel::score(source, input, output).log_probs,
      {},
      {},
      attention};
  if (!copies()) return result;
  result.copied = (log_mean(copied_parts, log_weights_) - mean).exp().nan_to_num(0.0);
  const at::Tensor surest = at::stack(copied_parts).argmax(0, true);  // [1, B, T]
  result.positions = at::stack(positions).gather(0, surest).squeeze(0);
  return result;
}

bool EnsembleModel::copies() const {
  return std::ranges::any_of(models_, [](const auto& model) { return model->copies(); });
}

std::int64_t EnsembleModel::max_positions() const {
  std::int64_t least = StepModel::max_positions();
  for (const auto& model : models_)
    least = std::min(least, model->max_positions());
  return least;
}

std::int64_t EnsembleModel::attention_layers() const {
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (const auto& model : models_)
    least = std::min(least, model->attention_layers());
  return least;
}

at::Tensor EnsembleModel::attention(const StepState& state) const {
  const auto& own = static_cast<const State&>(state);
  at::Tensor mean;  // [R, S]
  for (std::size_t index = 0; index < models_.size(); ++index)
    mean = add_weighted(mean, models_[index]->attention(*own.states[index]), log_weights_[index]);
  return mean;
}

}  // namespace dragoman
