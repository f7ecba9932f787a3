#include "dragoman/modules/positions.h"

#include <ATen/ATen.h>

#include <cmath>

#include "dragoman/modules/linear.h"

namespace dragoman {

at::Tensor sinusoidal_positions(std::int64_t offset, std::int64_t length, std::int64_t dim,
                                at::Device device) {
  const auto options = at::TensorOptions().dtype(at::kDouble).device(device);
  const std::int64_t pairs = (dim + 1) / 2;
  const at::Tensor frequencies =
      at::arange(pairs, options).mul_(-2.0 * std::log(10000.0) / static_cast<double>(dim)).exp_();
  const at::Tensor angles =
      at::outer(at::arange(offset, offset + length, options), frequencies);  // [T, D/2]
  return at::stack({angles.sin(), angles.cos()}, -1)
      .view({length, 2 * pairs})  // [T, D]
      .narrow(1, 0, dim)
      .to(at::kFloat);
}

PositionsImpl::PositionsImpl(PositionKind kind, std::int64_t dim, std::int64_t max_positions)
    : kind_(kind) {
  if (kind == PositionKind::learned)
    weight_ = register_parameter("weight", at::empty({max_positions, dim}));
}

at::Tensor PositionsImpl::forward(const at::Tensor& x, std::int64_t offset) {
  const std::int64_t length = x.size(-2);
  switch (kind_) {
    case PositionKind::sinusoidal:
      return x + cast_like(sinusoidal_positions(offset, length, x.size(-1), x.device()), x);
    case PositionKind::learned:
      TORCH_CHECK(offset + length <= weight_.size(0), "positions: a sequence of ", offset + length,
                  " tokens exceeds max_positions (", weight_.size(0), ")");
      return x + cast_like(weight_.narrow(0, offset, length), x);
    case PositionKind::none:
      break;
  }
  return x;
}

}  // namespace dragoman
