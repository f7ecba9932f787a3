// Compares tensors in tests.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <sstream>
#include <string>

namespace dragoman_test {

/// "" when the shapes agree and |actual - expected| <= tolerance * max(1, greatest |expected|)
/// everywhere; else a sentence with the largest difference and where it is.
inline std::string difference(const at::Tensor& actual, const at::Tensor& expected,
                              double tolerance) {
  std::ostringstream text;
  if (actual.sizes() != expected.sizes()) {
    text << "shape " << actual.sizes() << ", expected " << expected.sizes();
    return text.str();
  }
  if (actual.numel() == 0) return "";
  const at::Tensor left = actual.detach().to(at::kCPU, at::kDouble).flatten();
  const at::Tensor right = expected.detach().to(at::kCPU, at::kDouble).flatten();
  const at::Tensor distance = (left - right).abs();
  const double scale = std::max(1.0, right.abs().max().item<double>());
  if (distance.le(tolerance * scale).all().item<bool>()) return "";
  const auto where = distance.nan_to_num(1e300).argmax().item<std::int64_t>();
  text << "largest difference at element " << where << " of shape " << actual.sizes() << ": "
       << left[where].item<double>() << ", expected " << right[where].item<double>()
       << " (greatest magnitude " << scale << ", tolerance " << tolerance << ")";
  return text.str();
}

}  // namespace dragoman_test
