// Dropout (Srivastava et al. 2014) with its mask drawn from LibTorch's default CPU generator: who
// saves and restores that generator's state repeats a run exactly. On CPU one 64-bit seed is drawn
// per call and the mask is a hash of seed and place (kernels/dropout.h), so results do not depend
// on the number of threads; at::dropout there is serial and takes a quarter of a training step.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <vector>

namespace dragoman {

/// Each element is zero with `probability`, else divided by 1 - probability. 0: x itself.
[[nodiscard]] at::Tensor dropout(const at::Tensor& x, double probability);

/// residual + dropout(x), in one pass. Same shapes and types.
[[nodiscard]] at::Tensor add_dropout(const at::Tensor& residual, const at::Tensor& x,
                                     double probability);

/// x [B, T, D]: each vector of the last axis is zero with `probability`, else unchanged.
[[nodiscard]] at::Tensor drop_rows(const at::Tensor& x, double probability);

/// LayerDrop (Fan et al. 2020): which of `layers` a batch goes past, each with `probability`. Drawn
/// from the CPU's generator whatever the device, so that no device is waited for. 0: none, and
/// nothing is drawn.
[[nodiscard]] std::vector<bool> draw_dropped_layers(std::size_t layers, double probability);

}  // namespace dragoman
