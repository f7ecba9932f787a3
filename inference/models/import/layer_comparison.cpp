#include "dragoman/inference/models/import/layer_comparison.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "dragoman/data/error.h"
#include "dragoman/modules/masks.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/modules/weights.h"

namespace dragoman {
namespace {

constexpr double kTolerance = 1e-4;

class Comparison {
 public:
  Comparison(const ImportedModel& model, const std::map<std::string, at::Tensor>& reference,
             const std::string& origin)
      : network_(model.model, InitialWeights::unset), reference_(reference), origin_(origin) {
    static_cast<void>(load_weights(*network_, model.weights));  // check_import knows that they fit
    network_->eval();
    if (model.model.architecture == Architecture::lstm)
      fail("--reference compares the layers of Transformers, and this is an LSTM");
    for (const auto& item : network_->named_modules())
      modules_[item.key()] = item.value();
  }

  std::vector<LayerDifference> run() {
    const at::NoGradGuard no_grad;
    const at::Tensor source = ids("source", network_->config().source_vocabulary);
    const at::Tensor target = ids("target", network_->config().target_vocabulary);
    if (source.size(0) != target.size(0)) fail("source and target have other numbers of rows");
    at::Tensor mask;
    if (const auto lengths = reference_.find("source_lengths"); lengths != reference_.end()) {
      known_.insert("source_lengths");
      const bool fits = lengths->second.scalar_type() == at::kLong && lengths->second.dim() == 1 &&
                        lengths->second.size(0) == source.size(0) &&
                        lengths->second.min().item<std::int64_t>() >= 1 &&
                        lengths->second.max().item<std::int64_t>() <= source.size(1);
      if (!fits) fail("source_lengths are not a length for each row of source");
      mask = padding_mask(lengths->second, source.size(1));
    }
    const at::Tensor memory = encode(source, mask);
    decode(target, memory, mask);
    for (const auto& [name, tensor] : reference_)
      if (!known_.contains(name))
        fail(fmt::format("'{}' is no name of this network's activations", name));
    if (differences_.empty()) fail("holds no activations under names of this network");
    return std::move(differences_);
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw ModelError(
        fmt::format("{}: {}. See docs/import.md for what it should hold.", origin_, problem));
  }

  at::Tensor ids(const std::string& name, std::int64_t words) {
    const auto found = reference_.find(name);
    if (found == reference_.end()) fail(fmt::format("has no '{}'", name));
    known_.insert(name);
    const at::Tensor& tensor = found->second;
    const bool fits = tensor.scalar_type() == at::kLong && tensor.dim() == 2 &&
                      tensor.numel() > 0 && tensor.size(1) < network_->config().max_positions &&
                      tensor.min().item<std::int64_t>() >= 0 &&
                      tensor.max().item<std::int64_t>() < words;
    if (!fits)
      fail(fmt::format("'{}' should be [rows, tokens] of int64 from 0 to {}, shorter than {}", name,
                       words - 1, network_->config().max_positions));
    return tensor;
  }

  template <typename Module>
  Module& module(const std::string& name) {
    return *modules_.at(name)->as<Module>();
  }

  /// values [B, n, ...] of ours; `mask` [B, n]: the real ones, undefined: all.
  void compare(const std::string& name, const at::Tensor& values, const at::Tensor& mask) {
    const auto found = reference_.find(name);
    if (found == reference_.end()) return;
    known_.insert(name);
    if (!found->second.is_floating_point() || found->second.sizes() != values.sizes())
      fail(fmt::format("'{}' should be floating-point numbers of shape {}", name,
                       c10::str(values.sizes())));
    at::Tensor wanted = found->second.to(at::kDouble);
    at::Tensor own = values.to(at::kDouble);
    if (mask.defined()) {
      wanted = wanted.masked_fill(mask.logical_not().unsqueeze(-1), 0.0);
      own = own.masked_fill(mask.logical_not().unsqueeze(-1), 0.0);
    }
    LayerDifference difference{.name = name};
    difference.greatest = (own - wanted).abs().max().item<double>();
    difference.magnitude = wanted.abs().max().item<double>();
    // Written so that NaN differs.
    difference.differs = !(difference.greatest <= kTolerance * std::max(1.0, difference.magnitude));
    differences_.push_back(difference);
  }

  at::Tensor encode(const at::Tensor& source, const at::Tensor& mask) {
    at::Tensor x = module<EmbeddingImpl>("source_embedding").forward(source, 0);
    compare("source_embedding", x, mask);
    AttentionMask added = padding_attention_mask(mask, x.scalar_type());
    if (modules_.contains("encoder.relative_positions"))
      added = module<RelativePositionsImpl>("encoder.relative_positions")
                  .forward(added, PositionRange{0, x.size(1)}, x);
    for (std::int64_t layer = 0; layer < network_->config().encoder.layers; ++layer) {
      const std::string name = fmt::format("encoder.layers.{}", layer);
      x = module<EncoderLayerImpl>(name).forward(x, added);
      compare(name, x, mask);
    }
    if (modules_.contains("encoder.norm")) x = module<LayerNormImpl>("encoder.norm").forward(x);
    compare("encoder", x, mask);
    return x;
  }

  void decode(const at::Tensor& target, const at::Tensor& memory, const at::Tensor& mask) {
    at::Tensor x = module<EmbeddingImpl>("target_embedding").forward(target, 0);
    compare("target_embedding", x, {});
    DecoderLayerImpl::Masks masks{causal_attention_mask(x.size(1), 0, x.options()),
                                  padding_attention_mask(mask, x.scalar_type())};
    if (modules_.contains("decoder.relative_positions"))
      masks.self = module<RelativePositionsImpl>("decoder.relative_positions")
                       .forward(masks.self, PositionRange{0, x.size(1)}, x);
    for (std::int64_t layer = 0; layer < network_->config().decoder.layers; ++layer) {
      const std::string name = fmt::format("decoder.layers.{}", layer);
      auto& own = module<DecoderLayerImpl>(name);
      DecoderState::Layer state;
      own.project_memory(memory, state);
      x = own.forward(x, masks, state, /*keep=*/false);
      compare(name, x, {});
    }
    if (modules_.contains("decoder.norm")) x = module<LayerNormImpl>("decoder.norm").forward(x);
    compare("decoder", x, {});
    compare("logits", network_->head()->logits(x), {});
  }

  Transformer network_;
  const std::map<std::string, at::Tensor>& reference_;
  const std::string& origin_;
  std::map<std::string, std::shared_ptr<torch::nn::Module>> modules_;
  std::set<std::string> known_;
  std::vector<LayerDifference> differences_;
};

}  // namespace

std::vector<LayerDifference> compare_layers(const ImportedModel& model,
                                            const std::map<std::string, at::Tensor>& reference,
                                            const std::string& origin) {
  return Comparison(model, reference, origin).run();
}

}  // namespace dragoman
