// What an update does to each layer: the norms of its gradient, of its weights and of the step that
// they took. Computed where the weights lie; the host reads them once, in take().
//
//   meter.before(parameters);      // gradients are there, the optimiser has not stepped yet
//   optimizer.step(...);
//   meter.after(parameters);
//   std::vector<LayerFigures> layers = meter.take();
#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dragoman/training/optimizer.h"

namespace dragoman {

/// Euclidean norms over all parameters of a layer.
struct LayerFigures {
  std::string name;             ///< "encoder.layers.0", "source_embedding", ...
  bool holds_matrices = false;  ///< false: only vectors (biases, gains), which may begin at zero
  double gradient = 0.0;        ///< of the loss per token, before clipping
  double weight = 0.0;          ///< before the update
  double update = 0.0;          ///< of the difference that the update made

  /// Update over weight, as in "a step of a thousandth"; 0 for weights that are all zero.
  [[nodiscard]] double ratio() const { return weight > 0.0 ? update / weight : 0.0; }
};

/// The layer that a parameter counts to: its name up to the layer's number ("decoder.layers.3"),
/// else the module below encoder or decoder ("encoder.norm"), else the first word ("copy_head").
[[nodiscard]] std::string layer_of(std::string_view parameter);

class LayerMeter {
 public:
  using Parameters = std::span<const Optimizer::Parameter>;

  /// Layers in the order of their first parameter.
  explicit LayerMeter(Parameters parameters);

  /// Measures gradients and weights and keeps a copy of the weights until after(). A parameter
  /// without a gradient counts as one of zeros.
  void before(Parameters parameters);
  void after(Parameters parameters);

  /// The layers of the last measurement. Copies [3, layers] from the device.
  [[nodiscard]] std::vector<LayerFigures> take() const;

 private:
  [[nodiscard]] at::Tensor by_layer(const std::vector<at::Tensor>& tensors) const;

  std::vector<LayerFigures> layers_;  ///< names
  at::Tensor layer_;                  ///< [parameters] long: which layer each counts to
  std::vector<at::Tensor> weights_;   ///< before the update
  at::Tensor gradient_norms_, weight_norms_, update_norms_;  ///< [layers] double
};

}  // namespace dragoman
