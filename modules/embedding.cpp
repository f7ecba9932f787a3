#include "dragoman/modules/embedding.h"

#include <ATen/ATen.h>

#include <cmath>

#include "dragoman/modules/dropout.h"
#include "dragoman/modules/shape.h"

namespace dragoman {

EmbeddingImpl::EmbeddingImpl(const ModelConfig& config, std::int64_t vocabulary, std::int64_t dim,
                             const at::Tensor& tied_weight)
    : scale_(config.scale_embeddings ? std::sqrt(static_cast<double>(dim)) : 1.0),
      word_dropout_(config.word_dropout),
      dropout_(config.dropout),
      weight_(tied_weight) {
  if (!weight_.defined()) weight_ = register_parameter("weight", at::empty({vocabulary, dim}));
  check_shape(weight_, {vocabulary, dim}, "embedding weight");
  positions_ = register_module("positions", Positions(config, dim));
  if (config.embedding_norm) norm_ = register_module("norm", LayerNorm(config, dim));
}

at::Tensor EmbeddingImpl::forward(const at::Tensor& ids, std::int64_t offset) {
  check_shape(ids, {-1, -1}, "ids");
  at::Tensor x = at::embedding(weight_, ids);  // [B, T, D]
  if (scale_ != 1.0) x = x * scale_;
  if (is_training()) x = drop_rows(x, word_dropout_);
  x = positions_(x, offset).to(type_);
  if (norm_) x = norm_(x);
  return is_training() ? dropout(x, dropout_) : x;
}

}  // namespace dragoman
