// One direction of one LSTM layer (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et
// al. 2000), by LibTorch's own operator.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

#include "dragoman/modules/decoder_state.h"

namespace dragoman {

class LstmImpl : public torch::nn::Module {
 public:
  LstmImpl(std::int64_t inputs, std::int64_t dim);

  /// x [R, T, inputs] -> [R, T, D]. `memory` is that before the first position, and becomes that
  /// after the last.
  at::Tensor forward(const at::Tensor& x, LstmMemory& memory);

 private:
  std::int64_t dim_;
  // Rows: D of the input gate, D of the forget gate, D of the cell, D of the output gate.
  at::Tensor input_gates_;      ///< [4 D, inputs]
  at::Tensor recurrent_gates_;  ///< [4 D, D]
  at::Tensor gates_bias_;       ///< [4 D]
};
TORCH_MODULE(Lstm);

}  // namespace dragoman
