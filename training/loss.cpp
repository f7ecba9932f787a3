#include "dragoman/training/loss.h"

#include <ATen/ATen.h>

#include "dragoman/training/forward_pass.h"

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

/// KL(p || q) + KL(q || p), summed over the positions. hidden [2 B, T, D], targets [2 B, T].
at::Tensor divergence(OutputHead& head, const at::Tensor& hidden, const at::Tensor& targets,
                      const Pointing& pointing) {
  const at::Tensor valid = halves(targets).first.ge(0).flatten();  // [B * T]
  // Padding costs nothing where finding it does not wait for a device.
  const at::Tensor kept = valid.is_cpu() ? valid.nonzero().squeeze(1) : at::Tensor();
  const auto rows = [&](const at::Tensor& x) {  // [B, T, ...] -> [N, ...]
    const at::Tensor flat = x.flatten(0, 1);
    return kept.defined() ? flat.index_select(0, kept) : flat;
  };
  const auto passes = [&](const at::Tensor& x) {
    const TwoPasses both = halves(x);
    return TwoPasses{rows(both.first), rows(both.second)};
  };
  const TwoPasses states = passes(hidden);
  const auto type = states.first.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor counts = (kept.defined() ? valid.index_select(0, kept) : valid).to(type);  // [N]
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

}  // namespace

LossOptions loss_options(const TrainingConfig& config) {
  return {.words = {config.label_smoothing, config.force_copying, config.coverage_loss},
          .r_drop = config.r_drop,
          .guided = {config.guided_alignment, config.guided_alignment_layer}};
}

TokenLoss batch_loss(Transformer& model, const Batch& given, const LossOptions& options) {
  const Batch batch = options.r_drop > 0.0 ? doubled(given) : given;
  at::Tensor targets = batch.target_output;  // [B, T]
  if (batch.target_tokens != targets.numel())
    targets =
        targets.masked_fill(padding_mask(batch.target_lengths, targets.size(1)).logical_not(), -1);

  const EncodedBatch encoded = encode_batch(model, batch);
  const ForwardPass pass =
      decode_batch(model, batch, encoded, teacher_forcing(batch), options.guided);
  TokenLoss sums = word_loss(model, batch, pass, targets, options.words);
  if (options.guided.weight > 0.0)
    sums.loss =
        sums.loss + options.guided.weight * alignment_loss(model->config(), options.guided, batch,
                                                           pass.state, pass.pointing);
  if (options.r_drop == 0.0) return sums;
  sums = halved(sums);
  sums.loss = sums.loss +
              options.r_drop / 4.0 * divergence(model->head(), pass.hidden, targets, pass.pointing);
  return sums;
}

}  // namespace dragoman
