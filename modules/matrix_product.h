// Products of matrices: LibTorch's, or on CPU in float the kernel of kernels/matrix_product.h,
// which is faster than MKL on processors not made by Intel and gives each row the same bits
// whatever the other rows and the number of threads are.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace dragoman {

/// The right side of one or several products, made ready once.
class RightMatrix {
 public:
  /// matrix [K, N], contiguous or the transpose of a contiguous one; must not change while it is
  /// used. `rows`: of the left matrices to come; for few of them getting ready does not pay.
  RightMatrix(const at::Tensor& matrix, std::int64_t rows);

  /// left [M, K] (contiguous, or the transpose of a contiguous one) -> out [M, N] contiguous, all
  /// of one type; `bias` [N] or undefined is added to each row. `accumulate`: add to what is in
  /// `out`.
  void multiply(const at::Tensor& left, const at::Tensor& out, const at::Tensor& bias = {},
                bool accumulate = false) const;

  /// x [..., K] -> x matrix + bias [..., N]. No gradient.
  [[nodiscard]] at::Tensor multiply_rows(const at::Tensor& x, const at::Tensor& bias = {}) const;

 private:
  at::Tensor matrix_;  ///< [K, N]
  at::Tensor packed_;  ///< undefined: LibTorch multiplies
};

/// x [..., K] weight [N, K]^T + bias [N] (undefined: none) -> [..., N], differentiable.
[[nodiscard]] at::Tensor linear(const at::Tensor& x, const at::Tensor& weight,
                                const at::Tensor& bias);

}  // namespace dragoman
