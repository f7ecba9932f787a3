// Word-level distillation (Hinton et al. 2015; Kim and Rush 2016): a model learns from what
// another, its teacher, says of every next word, not only from the word that stands there.
#pragma once

#include <ATen/core/Tensor.h>

#include "dragoman/data/batch.h"
#include "dragoman/modules/softmax_distillation.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/training/forward_pass.h"

namespace dragoman {

struct Distillation {
  Transformer teacher{nullptr};  ///< in evaluation mode, with the same vocabularies; null: none
  double weight = 0.0;           ///< of the teacher's part; the cross-entropy has the rest
  Softening softening;
};

/// temperature^2 KL(teacher || student), summed over the real target tokens, in nats, [] float; no
/// gradient goes to the teacher. The factor makes the gradients as great as without temperature
/// (Hinton et al.). With copy heads, which both have or neither, an output is a choice between
/// generating and copying, then a word or a source position, and the divergence is that of all
/// three, each softened by the temperature: it bounds that of the mixture.
[[nodiscard]] at::Tensor distillation_loss(Transformer& student, const ForwardPass& pass,
                                           const Batch& batch, const DecoderInput& input,
                                           const Distillation& options);

}  // namespace dragoman
