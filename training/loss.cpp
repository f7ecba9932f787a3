#include "dragoman/training/loss.h"

#include <ATen/ATen.h>

namespace dragoman {

TokenLoss batch_loss(Transformer& model, const Batch& batch, const CopyLossOptions& options) {
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
  if (model->copy_head()) {
    // As in target_input, but words of no vocabulary have their own ids.
    const at::Tensor said =
        at::cat({batch.target_input.narrow(1, 0, 1),
                 batch.target_output.narrow(1, 0, batch.target_output.size(1) - 1)},
                1);
    return CopyHeadImpl::loss(model->head(), hidden, model->copy_head()->point(hidden, said, state),
                              batch.copy_ids, targets, options);
  }
  return model->head()->loss(hidden.reshape({-1, hidden.size(2)}), targets.reshape({-1}),
                             options.label_smoothing);
}

}  // namespace dragoman
