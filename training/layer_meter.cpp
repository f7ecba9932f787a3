#include "dragoman/training/layer_meter.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cctype>

namespace dragoman {
namespace {

bool is_number(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](unsigned char character) {
    return std::isdigit(character) != 0;
  });
}

}  // namespace

std::string layer_of(std::string_view parameter) {
  std::size_t first_end = std::string_view::npos;
  std::size_t second_end = std::string_view::npos;
  std::size_t begin = 0;
  for (std::size_t end; (end = parameter.find('.', begin)) != std::string_view::npos;
       begin = end + 1) {
    if (is_number(parameter.substr(begin, end - begin)))
      return std::string(parameter.substr(0, end));
    if (first_end == std::string_view::npos)
      first_end = end;
    else if (second_end == std::string_view::npos)
      second_end = end;
  }
  const std::string_view first = parameter.substr(0, first_end);
  const bool is_stack = first == "encoder" || first == "decoder";
  return std::string(is_stack ? parameter.substr(0, second_end) : first);
}

LayerMeter::LayerMeter(Parameters parameters) {
  std::vector<std::int64_t> places;
  for (const Optimizer::Parameter& parameter : parameters) {
    const std::string name = layer_of(parameter.name);
    auto layer = std::ranges::find(layers_, name, &LayerFigures::name);
    if (layer == layers_.end()) layer = layers_.insert(layer, LayerFigures{.name = name});
    layer->holds_matrices = layer->holds_matrices || parameter.value.dim() >= 2;
    places.push_back(layer - layers_.begin());
  }
  layer_ = at::tensor(places, at::kLong).to(parameters.front().value.device());
}

void LayerMeter::before(Parameters parameters) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  weights_.clear();
  for (const Optimizer::Parameter& parameter : parameters) {
    const at::Tensor& gradient = parameter.value.grad();
    gradients.push_back(gradient.defined() ? gradient : at::zeros({1}, parameter.value.options()));
    weights_.push_back(parameter.value.detach().clone());
  }
  gradient_norms_ = by_layer(gradients);
  weight_norms_ = by_layer(weights_);
}

void LayerMeter::after(Parameters parameters) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> values;
  for (const Optimizer::Parameter& parameter : parameters)
    values.push_back(parameter.value.detach());
  at::_foreach_sub_(weights_, values);
  update_norms_ = by_layer(weights_);
  weights_.clear();
}

at::Tensor LayerMeter::by_layer(const std::vector<at::Tensor>& tensors) const {
  // Squares of norms may leave the range of float.
  const at::Tensor squares = at::stack(at::_foreach_norm(tensors, 2)).to(at::kDouble).square();
  return at::zeros({static_cast<std::int64_t>(layers_.size())}, squares.options())
      .index_add(0, layer_, squares)
      .sqrt();
}

std::vector<LayerFigures> LayerMeter::take() const {
  const at::Tensor host = at::stack({gradient_norms_, weight_norms_, update_norms_}).cpu();
  const auto figures = host.accessor<double, 2>();
  std::vector<LayerFigures> layers = layers_;
  for (std::size_t index = 0; index < layers.size(); ++index) {
    const auto place = static_cast<std::int64_t>(index);
    layers[index].gradient = figures[0][place];
    layers[index].weight = figures[1][place];
    layers[index].update = figures[2][place];
  }
  return layers;
}

}  // namespace dragoman
