// Token ids to vectors: embedding (times sqrt(D)), word dropout, position, norm if there is one,
// dropout. Here the type of all activations is chosen.
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

#include "dragoman/modules/layer_norm.h"
#include "dragoman/modules/model_config.h"
#include "dragoman/modules/positions.h"

namespace dragoman {

class EmbeddingImpl : public torch::nn::Module {
 public:
  /// `tied_weight` [V, D]: the matrix of another module to share; undefined: an own parameter
  /// "weight".
  EmbeddingImpl(const ModelConfig& config, std::int64_t vocabulary, std::int64_t dim,
                const at::Tensor& tied_weight);

  /// ids [B, T] int64, at positions offset ... offset + T - 1 -> [B, T, D].
  at::Tensor forward(const at::Tensor& ids, std::int64_t offset);

  void set_compute_type(at::ScalarType type) { type_ = type; }
  [[nodiscard]] const at::Tensor& weight() const { return weight_; }

 private:
  double scale_;
  double word_dropout_;
  double dropout_;
  at::ScalarType type_ = at::kFloat;
  at::Tensor weight_;  ///< [V, D]
  Positions positions_{nullptr};
  LayerNorm norm_{nullptr};  ///< null without embedding_norm
};
TORCH_MODULE(Embedding);

}  // namespace dragoman
