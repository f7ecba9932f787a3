#include "dragoman/training/real_rows.h"

#include <ATen/ATen.h>

namespace dragoman {

RealRows::RealRows(const at::Tensor& real) : real_(real.flatten()) {
  if (real_.is_cpu()) kept_ = real_.nonzero().squeeze(1);
}

at::Tensor RealRows::of(const at::Tensor& x) const {
  const at::Tensor flat = x.flatten(0, 1);
  return kept_.defined() ? flat.index_select(0, kept_) : flat;
}

at::Tensor RealRows::counts(at::ScalarType type) const {
  return (kept_.defined() ? real_.index_select(0, kept_) : real_).to(type);
}

}  // namespace dragoman
