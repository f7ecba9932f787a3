#include "dragoman/modules/positions.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "dragoman/modules/linear.h"

namespace dragoman {
namespace {

/// distance [T, S] int64, key - query -> the group of each, of `buckets`.
at::Tensor bucket_of(at::Tensor distance, std::int64_t buckets, std::int64_t greatest,
                     bool has_both_directions) {
  at::Tensor bucket = at::zeros_like(distance);
  if (has_both_directions) {
    buckets /= 2;
    bucket = distance.gt(0).to(at::kLong) * buckets;
    distance = distance.abs();
  } else {
    distance = distance.neg().clamp_min(0);
  }
  const std::int64_t exact = buckets / 2;
  const double ratio = std::log(static_cast<double>(greatest) / static_cast<double>(exact));
  const at::Tensor far =
      (at::log(distance.to(at::kFloat) / static_cast<double>(exact)) / ratio *
       static_cast<double>(buckets - exact))
          .clamp_min(0.0)  // distances below `exact`, which are not taken from here
          .to(at::kLong)
          .add_(exact)
          .clamp_max(buckets - 1);
  return bucket + at::where(distance.lt(exact), distance, far);
}

}  // namespace

at::Tensor sinusoidal_positions(PositionRange range, std::int64_t dim, at::Device device,
                                PositionKind kind) {
  const auto options = at::TensorOptions().dtype(at::kDouble).device(device);
  const std::int64_t pairs = (dim + 1) / 2;
  double rates = static_cast<double>(dim) / 2.0;
  if (kind == PositionKind::sinusoidal_tensor2tensor)
    rates = std::max(1.0, static_cast<double>(pairs) - 1.0);
  const at::Tensor frequencies = at::arange(pairs, options).mul_(-std::log(10000.0) / rates).exp_();
  const at::Tensor angles = at::outer(
      at::arange(range.offset, range.offset + range.length, options), frequencies);  // [T, D/2]
  if (kind != PositionKind::sinusoidal)
    return at::cat({angles.sin(), angles.cos().narrow(1, 0, dim - pairs)}, 1).to(at::kFloat);
  return at::stack({angles.sin(), angles.cos()}, -1)
      .view({range.length, 2 * pairs})  // [T, D]
      .narrow(1, 0, dim)
      .to(at::kFloat);
}

bool is_sinusoidal(PositionKind kind) {
  return kind == PositionKind::sinusoidal || kind == PositionKind::sinusoidal_split ||
         kind == PositionKind::sinusoidal_tensor2tensor;
}

PositionsImpl::PositionsImpl(const ModelConfig& config, std::int64_t dim)
    : kind_(config.used_positions()), first_(config.position_offset) {
  if (kind_ == PositionKind::learned)
    weight_ = register_parameter("weight", at::empty({first_ + config.max_positions, dim}));
}

at::Tensor PositionsImpl::forward(const at::Tensor& x, std::int64_t offset) {
  const std::int64_t length = x.size(-2);
  const std::int64_t begin = first_ + offset;
  if (kind_ == PositionKind::learned) {
    TORCH_CHECK(begin + length <= weight_.size(0), "positions: a sequence of ", offset + length,
                " tokens exceeds max_positions (", weight_.size(0) - first_, ")");
    return x + cast_like(weight_.narrow(0, begin, length), x);
  }
  if (is_sinusoidal(kind_))
    return x + cast_like(sinusoidal_positions({begin, length}, x.size(-1), x.device(), kind_), x);
  return x;
}

RelativePositionsImpl::RelativePositionsImpl(const ModelConfig& config, const StackConfig& stack,
                                             Direction direction)
    : direction_(direction),
      distance_(config.relative_distance),
      weight_(register_parameter("weight", at::empty({config.relative_buckets, stack.heads}))) {}

AttentionMask RelativePositionsImpl::forward(const AttentionMask& mask, PositionRange queries,
                                             const at::Tensor& like) {
  const std::int64_t end = queries.offset + queries.length;
  const at::TensorOptions options = like.options().dtype(at::kLong);
  const at::Tensor distance = at::arange(end, options).unsqueeze(0) -
                              at::arange(queries.offset, end, options).unsqueeze(1);  // [T, S]
  const at::Tensor bucket =
      bucket_of(distance, weight_.size(0), distance_, direction_ == Direction::both);
  const at::Tensor bias = cast_like(at::embedding(weight_, bucket), like)
                              .permute({2, 0, 1})
                              .unsqueeze(0);  // [1, H, T, S]
  return {mask.added.defined() ? mask.added + bias : bias};
}

}  // namespace dragoman
