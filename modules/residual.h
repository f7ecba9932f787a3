// How a sub-layer is wrapped: residual connection, dropout, and layer normalisation before or
// after.
#pragma once

#include <torch/nn/module.h>

#include "dragoman/modules/dropout.h"
#include "dragoman/modules/layer_norm.h"
#include "dragoman/modules/model_config.h"

namespace dragoman {

struct Residual {
  NormPosition norm_position;
  double dropout;  ///< 0 outside training

  /// pre: x + dropout(sublayer(norm(x))); post: norm(x + dropout(sublayer(x))). x [..., D].
  at::Tensor operator()(const at::Tensor& x, LayerNorm& norm, auto&& sublayer) const {
    if (norm_position == NormPosition::pre) return add_dropout(x, sublayer(norm(x)), dropout);
    return norm(add_dropout(x, sublayer(x), dropout));
  }
};

}  // namespace dragoman
