// All parameter initialisation. Numbers come from LibTorch's default CPU generator.
#pragma once

#include "dragoman/modules/model_config.h"

namespace torch::nn {
class Module;
}

namespace dragoman {

/// Sets every parameter of a Transformer:
///   norms        weight 1, bias 0; all other biases 0
///   embeddings   normal with deviation D^-1/2 (also learned positions, and an own output matrix)
///   linear maps  xavier: uniform in +-sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010).
///   Queries,
///                keys and values count as separate square maps, and are divided by sqrt(2).
/// With Initialization::normal all matrices are normal with deviation 0.02 (Radford et al. 2018).
/// depth_scaled_initialization divides linear maps of layer l = 1, 2, ... by sqrt(l) (Zhang et al.
/// 2019, "Improving Deep Transformer with Depth-Scaled Initialization and Merged Attention").
void initialize(torch::nn::Module& transformer, const ModelConfig& config);

}  // namespace dragoman
