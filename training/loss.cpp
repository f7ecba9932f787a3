#include "dragoman/training/loss.h"

#include <ATen/ATen.h>

#include "dragoman/training/forward_pass.h"
#include "dragoman/training/real_rows.h"
#include "dragoman/training/scheduled_sampling.h"

namespace dragoman {
namespace {

/// Each sentence twice: the batch, and the batch again.
Batch doubled(const Batch& batch) {
  Batch both = batch;
  for (at::Tensor* part : {&both.source, &both.source_lengths, &both.copy_ids, &both.target_input,
                           &both.target_output, &both.target_lengths})
    if (part->defined()) *part = at::cat({*part, *part});
  if (batch.links.defined()) {
    both.links =
        at::cat({batch.links, batch.links + batch.target_output.numel() * batch.source.size(1)});
    both.link_weights = at::cat({batch.link_weights, batch.link_weights});
  }
  both.source_tokens *= 2;
  both.target_tokens *= 2;
  return both;
}

TwoPasses halves(const at::Tensor& x) {
  const std::int64_t rows = x.size(0) / 2;
  return {x.narrow(0, 0, rows), x.narrow(0, rows, rows)};
}

/// KL(p || q) + KL(q || p), summed over the positions. `pass` and `batch` are of both passes.
at::Tensor divergence(OutputHead& head, const ForwardPass& pass, const Batch& batch) {
  const RealRows rows(
      padding_mask(halves(batch.target_lengths).first, batch.target_output.size(1)));
  const auto passes = [&](const at::Tensor& x) {
    const TwoPasses both = halves(x);
    return TwoPasses{rows.of(both.first), rows.of(both.second)};
  };
  const TwoPasses states = passes(pass.hidden);
  const auto type = states.first.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor counts = rows.counts(type);  // [N]
  const Pointing& pointing = pass.pointing;
  if (!pointing.log_weights.defined()) return head->divergence(states, {counts, counts});

  const TwoPasses generate = passes(pointing.log_generate);
  const TwoPasses copy = passes(pointing.log_copy);
  const TwoPasses generated{generate.first.exp() * counts, generate.second.exp() * counts};
  const TwoPasses copied{copy.first.exp() * counts, copy.second.exp() * counts};
  const TwoPasses weights = passes(pointing.log_weights);
  const TwoPasses places = divergences(weights.first, weights.second);
  const at::Tensor gate =
      (generated.first - generated.second) * (generate.first - generate.second) +
      (copied.first - copied.second) * (copy.first - copy.second);
  return head->divergence(states, generated) +
         (gate + copied.first * places.first + copied.second * places.second).sum();
}

/// The mean of the two passes.
TokenLoss halved(const TokenLoss& sums) {
  return {sums.loss * 0.5, sums.nll * 0.5, at::floor_divide(sums.correct, 2),
          sums.copied.defined() ? sums.copied * 0.5 : sums.copied};
}

/// The cross-entropy of the right words.
TokenLoss word_loss(Transformer& model, const Batch& batch, const ForwardPass& pass,
                    const at::Tensor& targets, const CopyLossOptions& options) {
  if (model->copy_head())
    return CopyHeadImpl::loss(model->head(), pass.hidden, pass.pointing, batch.copy_ids, targets,
                              options);
  return model->head()->loss(pass.hidden.reshape({-1, pass.hidden.size(2)}), targets.reshape({-1}),
                             options.label_smoothing);
}

/// Both passes of R-Drop read the same words.
DecoderInput decoder_input(Transformer& model, const Batch& batch, const EncodedBatch& encoded,
                           const LossOptions& options) {
  if (options.sampling == 0.0) return teacher_forcing(batch);
  if (options.r_drop == 0.0)
    return sampled_input(model, batch, encoded, options.sampling, options.unknown_word);
  const auto half = [](const at::Tensor& x) { return x.defined() ? halves(x).first : x; };
  Batch once = batch;
  once.copy_ids = half(batch.copy_ids);
  once.target_input = half(batch.target_input);
  once.target_output = half(batch.target_output);
  const DecoderInput input = sampled_input(model, once, {half(encoded.memory), half(encoded.mask)},
                                           options.sampling, options.unknown_word);
  return {at::cat({input.tokens, input.tokens}), at::cat({input.said, input.said})};
}

}  // namespace

LossOptions loss_options(const TrainingConfig& config, const LossInputs& inputs) {
  return {.words = {config.label_smoothing, config.force_copying, config.coverage_loss},
          .r_drop = config.r_drop,
          .guided = {config.guided_alignment, config.guided_alignment_layer},
          .distillation = {inputs.teacher,
                           config.distillation,
                           {config.distillation_temperature, config.distillation_top_k}},
          .sampling = 0.0,
          .unknown_word = inputs.unknown_word};
}

TokenLoss batch_loss(Transformer& model, const Batch& given, const LossOptions& options) {
  const Batch batch = options.r_drop > 0.0 ? doubled(given) : given;
  at::Tensor targets = batch.target_output;  // [B, T]
  if (batch.target_tokens != targets.numel())
    targets =
        targets.masked_fill(padding_mask(batch.target_lengths, targets.size(1)).logical_not(), -1);

  const EncodedBatch encoded = encode_batch(model, batch);
  const DecoderInput input = decoder_input(model, batch, encoded, options);
  const ForwardPass pass = decode_batch(model, batch, encoded, input, options.guided);
  TokenLoss sums = word_loss(model, batch, pass, targets, options.words);
  if (const Distillation& distillation = options.distillation; distillation.teacher)
    sums.loss = (1.0 - distillation.weight) * sums.loss +
                distillation.weight * distillation_loss(model, pass, batch, input, distillation);
  if (options.guided.weight > 0.0)
    sums.loss =
        sums.loss + options.guided.weight * alignment_loss(model->config(), options.guided, batch,
                                                           pass.state, pass.pointing);
  if (options.r_drop == 0.0) return sums;
  sums = halved(sums);
  sums.loss = sums.loss + options.r_drop / 4.0 * divergence(model->head(), pass, batch);
  return sums;
}

}  // namespace dragoman
