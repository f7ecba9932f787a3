// A decoder of LSTM layers. The lowest one reads the target; attention over the source is by what
// it says (Luong et al. 2015, global attention, here with any number of heads); its context goes
// into every layer above (Wu et al. 2016) and, with the highest layer's output, into the hidden
// state. No state goes from the attention into the next position, so whole targets are computed at
// once, layer by layer.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/pimpl.h>

#include "dragoman/modules/attention.h"
#include "dragoman/modules/decoder_state.h"
#include "dragoman/modules/linear.h"
#include "dragoman/modules/lstm.h"
#include "dragoman/modules/model_config.h"

namespace dragoman {

class RecurrentDecoderImpl : public torch::nn::Module {
 public:
  explicit RecurrentDecoderImpl(const ModelConfig& config);

  /// As DecoderImpl::start. Every layer begins with the mean of the memory, projected. Only layer 0
  /// attends, and has cross keys and values.
  DecoderState start(const at::Tensor& memory, const at::Tensor& memory_mask, bool keep_self);
  /// As DecoderImpl::forward.
  at::Tensor forward(const at::Tensor& x, DecoderState& state);

 private:
  at::Tensor run_layer(std::size_t layer, const at::Tensor& x, DecoderState& state);

  double dropout_;
  torch::nn::ModuleList layers_;
  torch::nn::ModuleList initial_;  ///< of each layer: the memory's mean -> hidden
  CrossAttention attention_{nullptr};
  Linear combine_{nullptr};  ///< context and highest output [2 D] -> hidden [D]
};
TORCH_MODULE(RecurrentDecoder);

}  // namespace dragoman
