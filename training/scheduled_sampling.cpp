#include "dragoman/training/scheduled_sampling.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace dragoman {
namespace {

/// The most probable word of each position, [B, T] int64: the most probable generated or the most
/// probable copied one, each without what the other way adds to it.
at::Tensor predicted_words(Transformer& model, const Batch& batch, const ForwardPass& pass) {
  const MostProbable generated =
      model->head()->most_probable(pass.hidden.flatten(0, 1));  // [B * T]
  const at::Tensor words = generated.ids.view({pass.hidden.size(0), pass.hidden.size(1)});
  if (!model->copy_head()) return words;
  const at::Tensor weights = pass.pointing.log_weights.exp();  // [B, T, S]
  // What each position yields in sum with those that hold the same word.
  const at::Tensor same =
      batch.copy_ids.unsqueeze(2).eq(batch.copy_ids.unsqueeze(1)).to(weights.scalar_type());
  const auto [mass, place] = at::bmm(weights, same).max(-1);  // [B, T]
  const at::Tensor copied = mass.log() + pass.pointing.log_copy;
  const at::Tensor generation =
      generated.log_probs.view(words.sizes()) + pass.pointing.log_generate;
  // Padding has a weight of nothing and never wins.
  return at::where(copied.gt(generation), batch.copy_ids.gather(1, place), words);
}

}  // namespace

double sampling_probability(const TrainingConfig& config, std::int64_t step) {
  if (step < config.scheduled_sampling_start) return 0.0;
  const double since = static_cast<double>(step - config.scheduled_sampling_start);
  const double steps = static_cast<double>(config.scheduled_sampling_steps);
  double right = 1.0;
  switch (config.scheduled_sampling) {
    case SamplingSchedule::none:
      return 0.0;
    case SamplingSchedule::linear:
      right = std::max(0.0, 1.0 - since / steps);
      break;
    case SamplingSchedule::exponential:
      right = std::exp(-since / steps);
      break;
    case SamplingSchedule::inverse_sigmoid:
      right = steps / (steps + std::exp(since / steps));
      break;
  }
  return std::min(config.scheduled_sampling_max, 1.0 - right);
}

DecoderInput sampled_input(Transformer& model, const Batch& batch, const EncodedBatch& encoded,
                           double probability, std::int64_t unknown) {
  const at::NoGradGuard no_grad;
  const DecoderInput right = teacher_forcing(batch);
  model->eval();
  const ForwardPass first =
      decode_batch(model, batch, {encoded.memory.detach(), encoded.mask}, right);
  const at::Tensor predicted = predicted_words(model, batch, first);  // [B, T]
  model->train();
  const std::int64_t later = predicted.size(1) - 1;
  const at::Tensor is_sampled =
      at::rand({predicted.size(0), later}, predicted.options().dtype(at::kFloat)).lt(probability);
  const auto mixed = [&](const at::Tensor& own, const at::Tensor& words) {
    return at::cat({own.narrow(1, 0, 1),
                    at::where(is_sampled, words.narrow(1, 0, later), own.narrow(1, 1, later))},
                   1);
  };
  const at::Tensor readable =
      predicted.masked_fill(predicted.ge(model->head()->vocabulary()), unknown);
  return {mixed(right.tokens, readable), mixed(right.said, predicted)};
}

}  // namespace dragoman
