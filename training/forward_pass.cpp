#include "dragoman/training/forward_pass.h"

#include <ATen/ATen.h>

namespace dragoman {

EncodedBatch encode_batch(Transformer& model, const Batch& batch) {
  // The token counts are known without asking the device whether there is padding.
  at::Tensor mask;
  if (batch.source_tokens != batch.source.numel())
    mask = padding_mask(batch.source_lengths, batch.source.size(1));
  return {model->encode(batch.source, mask), mask};
}

DecoderInput teacher_forcing(const Batch& batch) {
  const std::int64_t length = batch.target_output.size(1);
  return {batch.target_input, at::cat({batch.target_input.narrow(1, 0, 1),
                                       batch.target_output.narrow(1, 0, length - 1)},
                                      1)};
}

ForwardPass decode_batch(Transformer& model, const Batch& batch, const EncodedBatch& encoded,
                         const DecoderInput& input, const GuidedAlignment& guided) {
  ForwardPass pass;
  pass.state = model->start(encoded.memory, encoded.mask, /*keep_self=*/false, {batch.copy_ids});
  if (guided.weight > 0.0) keep_attention(model->config(), guided, pass.state);
  pass.hidden = model->decode(input.tokens, pass.state);
  if (model->copy_head())
    pass.pointing = model->copy_head()->point(pass.hidden, input.said, pass.state);
  return pass;
}

}  // namespace dragoman
