// An encoder of bidirectional LSTM layers (Schuster and Paliwal 1997; Bahdanau et al. 2015), each
// direction of half the width, with residual connections from the second layer on (Wu et al. 2016).
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/pimpl.h>

#include "dragoman/modules/lstm.h"
#include "dragoman/modules/model_config.h"

namespace dragoman {

class BidirectionalLstmImpl : public torch::nn::Module {
 public:
  explicit BidirectionalLstmImpl(std::int64_t dim);
  /// x [B, S, D], places [B, S] int64: where each position stands in the reversed sentence; its own
  /// inverse; undefined: the sentences fill the batch -> [B, S, D].
  at::Tensor forward(const at::Tensor& x, const at::Tensor& places);

 private:
  Lstm rightward_{nullptr};
  Lstm leftward_{nullptr};
};
TORCH_MODULE(BidirectionalLstm);

class RecurrentEncoderImpl : public torch::nn::Module {
 public:
  explicit RecurrentEncoderImpl(const ModelConfig& config);
  /// x [B, S, D], mask [B, S] bool (real tokens first) or undefined -> memory [B, S, D].
  at::Tensor forward(at::Tensor x, const at::Tensor& mask);

 private:
  double dropout_;
  torch::nn::ModuleList layers_;
};
TORCH_MODULE(RecurrentEncoder);

}  // namespace dragoman
