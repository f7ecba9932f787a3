// Where a token stands, as a vector added to its embedding.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

#include "dragoman/modules/masks.h"
#include "dragoman/modules/model_config.h"

namespace dragoman {

/// A run of positions.
struct PositionRange {
  std::int64_t offset = 0;
  std::int64_t length = 0;
};

/// Vaswani et al. 2017, 3.5: PE(p, 2i) = sin(p / 10000^(2i / D)), PE(p, 2i + 1) = cos(the same)
/// -> [length, D] float. There is no table, so no limit. sinusoidal_split: the sines stand in front
/// of the cosines; sinusoidal_tensor2tensor: so they do, and i is divided by D / 2 - 1 in place of
/// D / 2.
[[nodiscard]] at::Tensor sinusoidal_positions(PositionRange range, std::int64_t dim,
                                              at::Device device,
                                              PositionKind kind = PositionKind::sinusoidal);

/// Whether positions of this kind are sinusoidal_positions.
[[nodiscard]] bool is_sinusoidal(PositionKind kind);

class PositionsImpl : public torch::nn::Module {
 public:
  PositionsImpl(const ModelConfig& config, std::int64_t dim);

  /// x [..., T, D] at positions offset ... offset + T - 1 -> x plus their vectors.
  /// Learned positions end at max_positions: beyond is a c10::Error.
  at::Tensor forward(const at::Tensor& x, std::int64_t offset);

 private:
  PositionKind kind_;
  std::int64_t first_;  ///< number of the first position
  at::Tensor weight_;   ///< [first + max_positions, D]; learned positions only
};
TORCH_MODULE(Positions);

/// Relative positions as in T5 (Raffel et al. 2020, 2.1): a number for each head and group of
/// distances, added to the scores of self-attention in every layer of a stack. Half of the groups
/// hold one distance each, the others hold ever more of them.
class RelativePositionsImpl : public torch::nn::Module {
 public:
  /// both: keys ahead of the query have groups of their own (encoders).
  enum class Direction { backward, both };
  RelativePositionsImpl(const ModelConfig& config, const StackConfig& stack, Direction direction);

  /// `mask` with the numbers for `queries` (a run of positions) over keys 0 ... the last of them,
  /// in the type of `like`.
  [[nodiscard]] AttentionMask forward(const AttentionMask& mask, PositionRange queries,
                                      const at::Tensor& like);

 private:
  Direction direction_;
  std::int64_t distance_;
  at::Tensor weight_;  ///< [buckets, H]
};
TORCH_MODULE(RelativePositions);

}  // namespace dragoman
