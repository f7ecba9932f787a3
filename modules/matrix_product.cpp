#include "dragoman/modules/matrix_product.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

#include "dragoman/modules/kernels/matrix_product.h"

namespace dragoman {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Packing a matrix costs about as much as multiplying it with a tenth of so many rows.
constexpr std::int64_t kMinRows = 192;

bool kernel_pays(const at::Tensor& x, std::int64_t rows) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && rows >= kMinRows;
}

kernels::MatrixView view(const at::Tensor& matrix) {
  TORCH_INTERNAL_ASSERT(matrix.dim() == 2 && (matrix.stride(0) == 1 || matrix.stride(1) == 1));
  kernels::MatrixView result{matrix.const_data_ptr<float>(), matrix.size(0), matrix.size(1),
                             matrix.stride(0), matrix.stride(1)};
  // A single row or column may carry any stride; the kernels want a 1.
  if (result.columns == 1) result.column_stride = 1;
  return result;
}

std::int64_t divide_up(std::int64_t value, std::int64_t by) {
  return (value + by - 1) / by;
}

/// Cuts `size` into `parts` runs of whole tiles: where run number `part` begins.
std::int64_t run_begin(std::int64_t size, std::int64_t tile, std::int64_t part,
                       std::int64_t parts) {
  return std::min(size, divide_up(size, tile) * part / parts * tile);
}

void multiply_parallel(const kernels::Product& product) {
  constexpr std::int64_t kTilesPerThread = 8;
  const std::int64_t rows = product.left.rows;
  const std::int64_t tile_rows = kernels::tile_rows();
  const std::int64_t tile_columns = kernels::tile_columns();
  const std::int64_t threads = at::get_num_threads();
  const std::int64_t row_parts =
      std::clamp<std::int64_t>(rows / (tile_rows * kTilesPerThread), 1, threads);
  const std::int64_t column_parts =
      std::min(divide_up(threads, row_parts), divide_up(product.columns, tile_columns));
  at::parallel_for(0, row_parts * column_parts, 1, [&](std::int64_t begin, std::int64_t end) {
    const at::Tensor scratch = at::empty({kernels::scratch_size()}, at::kFloat);
    for (std::int64_t part = begin; part < end; ++part) {
      const std::int64_t row = part / column_parts;
      const std::int64_t column = part % column_parts;
      kernels::multiply(
          product,
          {.row_begin = run_begin(rows, tile_rows, row, row_parts),
           .row_end = run_begin(rows, tile_rows, row + 1, row_parts),
           .column_begin = run_begin(product.columns, tile_columns, column, column_parts),
           .column_end = run_begin(product.columns, tile_columns, column + 1, column_parts)},
          scratch.mutable_data_ptr<float>());
    }
  });
}

at::Tensor flat_rows(const at::Tensor& x) {
  return x.reshape({-1, x.size(-1)}).contiguous();
}

class LinearFunction : public torch::autograd::Function<LinearFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias) {
    context->save_for_backward({x, weight});
    context->saved_data["has_bias"] = bias.has_value();
    return RightMatrix(weight.t(), x.numel() / x.size(-1))
        .multiply_rows(x, bias.value_or(at::Tensor()));
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& weight = saved[1];
    const at::Tensor gradient = flat_rows(gradients[0]);  // [M, N]
    variable_list results(3);
    if (context->needs_input_grad(0)) {
      results[0] = at::empty_like(x, at::MemoryFormat::Contiguous);
      RightMatrix(weight, gradient.size(0)).multiply(gradient, results[0].view({-1, x.size(-1)}));
    }
    if (context->needs_input_grad(1)) {
      results[1] = at::empty_like(weight);
      RightMatrix(flat_rows(x), weight.size(0)).multiply(gradient.t(), results[1]);
    }
    if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(2))
      results[2] = gradient.sum(0);
    return results;
  }
};

}  // namespace

RightMatrix::RightMatrix(const at::Tensor& matrix, std::int64_t rows) : matrix_(matrix) {
  if (!kernel_pays(matrix, rows)) return;
  const kernels::MatrixView right = view(matrix);
  packed_ = at::empty({kernels::packed_size(right.rows, right.columns)}, at::kFloat);
  const std::int64_t width = kernels::tile_columns();
  at::parallel_for(
      0, divide_up(right.columns, width), 4, [&](std::int64_t begin, std::int64_t end) {
        kernels::pack_columns(right, begin * width, std::min(end * width, right.columns),
                              packed_.mutable_data_ptr<float>());
      });
}

void RightMatrix::multiply(const at::Tensor& left, const at::Tensor& out, const at::Tensor& bias,
                           bool accumulate) const {
  if (packed_.defined()) {
    multiply_parallel({.left = view(left),
                       .packed = packed_.const_data_ptr<float>(),
                       .out = out.mutable_data_ptr<float>(),
                       .columns = out.size(1),
                       .bias = bias.defined() ? bias.const_data_ptr<float>() : nullptr,
                       .accumulate = accumulate});
    return;
  }
  at::Tensor result = out;
  if (accumulate)
    at::addmm_out(result, out, left, matrix_);
  else if (bias.defined())
    at::addmm_out(result, bias, left, matrix_);
  else
    at::mm_out(result, left, matrix_);
  if (accumulate && bias.defined()) result.add_(bias);
}

at::Tensor RightMatrix::multiply_rows(const at::Tensor& x, const at::Tensor& bias) const {
  const at::Tensor rows = flat_rows(x);  // [M, K]
  const at::Tensor out = at::empty({rows.size(0), matrix_.size(1)}, x.options());
  multiply(rows, out, bias);
  std::vector<std::int64_t> shape = x.sizes().vec();
  shape.back() = out.size(1);
  return out.view(shape);
}

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (!kernel_pays(x, x.numel() / std::max<std::int64_t>(x.size(-1), 1)))
    return at::linear(x, weight, bias);
  return LinearFunction::apply(x, weight, bias.defined() ? std::optional(bias) : std::nullopt);
}

}  // namespace dragoman
