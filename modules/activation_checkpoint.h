// Activation checkpointing (Chen et al. 2016, "Training deep nets with sublinear memory cost"): of
// a layer only its inputs are kept for the gradients; what it computes in between is computed again
// when they are needed. For a third more arithmetic the memory no longer grows with what is inside
// the layers.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace dragoman {

using CheckpointedLayer = std::function<at::Tensor(const std::vector<at::Tensor>& inputs)>;

/// layer(inputs). The second run draws the same random numbers as the first, so that gradients are
/// those of the layer itself. Parameters of the layer get theirs by their .grad alone:
/// torch::autograd::backward, not torch::autograd::grad. Tensors that `layer` holds by itself must
/// need no gradient. What it captures must live until the gradients are computed.
[[nodiscard]] at::Tensor checkpointed(const std::vector<at::Tensor>& inputs,
                                      const CheckpointedLayer& layer);

}  // namespace dragoman
