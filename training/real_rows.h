// The positions of a batch that hold words, as rows.
#pragma once

#include <ATen/core/Tensor.h>

namespace dragoman {

/// Padding costs nothing where finding it does not wait for a device; elsewhere it stays among the
/// rows and counts 0.
class RealRows {
 public:
  /// real [B, T] bool.
  explicit RealRows(const at::Tensor& real);

  /// x [B, T, ...] -> [N, ...].
  [[nodiscard]] at::Tensor of(const at::Tensor& x) const;
  /// [N]: 1 for words, 0 for padding.
  [[nodiscard]] at::Tensor counts(at::ScalarType type) const;

 private:
  at::Tensor real_;  ///< [B * T]
  at::Tensor kept_;  ///< [N] int64; undefined: all
};

}  // namespace dragoman
