// Scheduled sampling (Bengio et al. 2015) for Transformers, in two passes (Mihaylova and Martins
// 2019): the model first says, without gradients, what it would put at every position after the
// right words; some of the words that it then reads and learns after are those.
#pragma once

#include <cstdint>

#include "dragoman/data/batch.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/training/forward_pass.h"
#include "dragoman/training/training_config.h"

namespace dragoman {

/// The probability that the decoder reads the model's own word, in update `step` >= 1. With
/// i = step - scheduled_sampling_start updates (below 0: 0) and n = scheduled_sampling_steps, it is
/// 1 - e, at most scheduled_sampling_max, where e is Bengio et al.'s share of the right words:
///   linear           e = max(0, 1 - i / n)
///   exponential      e = k^i with k = exp(-1 / n)
///   inverse_sigmoid  e = n / (n + exp(i / n))
/// and 0 before the start.
[[nodiscard]] double sampling_probability(const TrainingConfig& config, std::int64_t step);

/// The input of the second pass: each word after <s> is, with `probability`, the most probable one
/// of the first pass. It runs in evaluation mode, and leaves the model in training mode. `unknown`:
/// what a word that only copying produces is read as.
[[nodiscard]] DecoderInput sampled_input(Transformer& model, const Batch& batch,
                                         const EncodedBatch& encoded, double probability,
                                         std::int64_t unknown);

}  // namespace dragoman
