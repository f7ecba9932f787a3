// Where a token stands, as a vector added to its embedding.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

#include "dragoman/modules/model_config.h"

namespace dragoman {

/// Vaswani et al. 2017, 3.5: PE(p, 2i) = sin(p / 10000^(2i / D)), PE(p, 2i + 1) = cos(the same),
/// for positions offset ... offset + length - 1 -> [length, D] float. There is no table, so no
/// limit.
[[nodiscard]] at::Tensor sinusoidal_positions(std::int64_t offset, std::int64_t length,
                                              std::int64_t dim, at::Device device);

class PositionsImpl : public torch::nn::Module {
 public:
  PositionsImpl(PositionKind kind, std::int64_t dim, std::int64_t max_positions);

  /// x [..., T, D] at positions offset ... offset + T - 1 -> x plus their vectors.
  /// Learned positions end at max_positions: beyond is a c10::Error.
  at::Tensor forward(const at::Tensor& x, std::int64_t offset);

 private:
  PositionKind kind_;
  at::Tensor weight_;  ///< [max_positions, D]; learned positions only
};
TORCH_MODULE(Positions);

}  // namespace dragoman
