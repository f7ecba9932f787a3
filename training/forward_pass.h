// A model over a batch under teacher forcing: what every loss begins with.
#pragma once

#include <ATen/core/Tensor.h>

#include "dragoman/data/batch.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/training/guided_alignment.h"

namespace dragoman {

struct EncodedBatch {
  at::Tensor memory;  ///< [B, S, D]
  at::Tensor mask;    ///< [B, S] bool; undefined: no padding
};

/// The words before each target word.
struct DecoderInput {
  at::Tensor tokens;  ///< [B, T] int64: <unk> for words that only copying produces
  at::Tensor said;    ///< [B, T] int64: the same with their own ids, for a copy head
};

struct ForwardPass {
  at::Tensor hidden;   ///< [B, T, D]
  Pointing pointing;   ///< empty without a copy head
  DecoderState state;  ///< with the attention that was asked for
};

[[nodiscard]] EncodedBatch encode_batch(Transformer& model, const Batch& batch);

/// The batch's own words.
[[nodiscard]] DecoderInput teacher_forcing(const Batch& batch);

/// `guided`: keep the attention that its loss reads.
[[nodiscard]] ForwardPass decode_batch(Transformer& model, const Batch& batch,
                                       const EncodedBatch& encoded, const DecoderInput& input,
                                       const GuidedAlignment& guided = {});

}  // namespace dragoman
