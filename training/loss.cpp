#include "dragoman/training/loss.h"

#include <ATen/ATen.h>

namespace dragoman {
namespace {

/// Each sentence twice: the batch, and the batch again.
Batch doubled(const Batch& batch) {
  Batch both = batch;
  for (at::Tensor* part : {&both.source, &both.source_lengths, &both.copy_ids, &both.target_input,
                           &both.target_output, &both.target_lengths})
    if (part->defined()) *part = at::cat({*part, *part});
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

}  // namespace

TokenLoss batch_loss(Transformer& model, const Batch& given, const LossOptions& options) {
  const Batch batch = options.r_drop > 0.0 ? doubled(given) : given;
  // The token counts are known without asking the device whether there is padding.
  at::Tensor source_mask;
  if (batch.source_tokens != batch.source.numel())
    source_mask = padding_mask(batch.source_lengths, batch.source.size(1));  // [B, S]
  at::Tensor targets = batch.target_output;                                  // [B, T]
  if (batch.target_tokens != targets.numel())
    targets =
        targets.masked_fill(padding_mask(batch.target_lengths, targets.size(1)).logical_not(), -1);

  const at::Tensor memory = model->encode(batch.source, source_mask);  // [B, S, D]
  DecoderState state = model->start(memory, source_mask, /*keep_self=*/false, {batch.copy_ids});
  const at::Tensor hidden = model->decode(batch.target_input, state);  // [B, T, D]
  Pointing pointing;
  TokenLoss sums;
  if (model->copy_head()) {
    // As in target_input, but words of no vocabulary have their own ids.
    const at::Tensor said =
        at::cat({batch.target_input.narrow(1, 0, 1),
                 batch.target_output.narrow(1, 0, batch.target_output.size(1) - 1)},
                1);
    pointing = model->copy_head()->point(hidden, said, state);
    sums =
        CopyHeadImpl::loss(model->head(), hidden, pointing, batch.copy_ids, targets, options.words);
  } else {
    sums = model->head()->loss(hidden.reshape({-1, hidden.size(2)}), targets.reshape({-1}),
                               options.words.label_smoothing);
  }
  if (options.r_drop == 0.0) return sums;
  sums = halved(sums);
  sums.loss =
      sums.loss + options.r_drop / 4.0 * divergence(model->head(), hidden, targets, pointing);
  return sums;
}

}  // namespace dragoman
