#include "dragoman/modules/lstm.h"

#include <ATen/ATen.h>

#include "dragoman/modules/linear.h"
#include "dragoman/modules/shape.h"

namespace dragoman {

LstmImpl::LstmImpl(std::int64_t inputs, std::int64_t dim)
    : dim_(dim),
      input_gates_(register_parameter("input_gates", at::empty({4 * dim, inputs}))),
      recurrent_gates_(register_parameter("recurrent_gates", at::empty({4 * dim, dim}))),
      gates_bias_(register_parameter("gates_bias", at::empty({4 * dim}))) {}

at::Tensor LstmImpl::forward(const at::Tensor& x, LstmMemory& memory) {
  check_shape(x, {-1, -1, input_gates_.size(1)}, "input of the LSTM");
  const at::Tensor bias = cast_like(gates_bias_, x);
  const at::Tensor zeros = at::zeros({x.size(0), dim_}, x.options());
  const auto before = [&](const at::Tensor& part) {
    return (part.defined() ? part : zeros).unsqueeze(0);  // [1, R, D]
  };
  auto [outputs, hidden, cell] = at::lstm(
      x, {before(memory.hidden), before(memory.cell)},
      {cast_like(input_gates_, x), cast_like(recurrent_gates_, x), bias, at::zeros_like(bias)},
      /*has_biases=*/true, /*num_layers=*/1, /*dropout=*/0.0, is_training(),
      /*bidirectional=*/false, /*batch_first=*/true);
  memory = {hidden.squeeze(0), cell.squeeze(0)};
  return outputs;
}

}  // namespace dragoman
