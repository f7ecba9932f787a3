#include "dragoman/training/guided_alignment.h"

#include <ATen/ATen.h>

#include <cmath>

#include "dragoman/modules/attention_choice.h"

namespace dragoman {
namespace {

/// scores [B, H, T, S] before the softmax, links [N]: places in [B, T, S] -> [N] logarithms of the
/// heads' mean weight there.
at::Tensor log_mean_weights(const at::Tensor& scores, const at::Tensor& links) {
  const std::int64_t heads = scores.size(1);
  const std::int64_t plane = scores.size(2) * scores.size(3);
  const at::Tensor log_weights = at::log_softmax(scores, -1, at::kFloat).flatten();
  const at::Tensor first =
      at::floor_divide(links, plane) * (heads * plane) + links.remainder(plane);
  const at::Tensor offsets = at::arange(heads, links.options()) * plane;              // [H]
  const at::Tensor places = (first.unsqueeze(0) + offsets.unsqueeze(1)).flatten();    // [H N]
  const at::Tensor of_heads = log_weights.index_select(0, places).view({heads, -1});  // [H, N]
  return at::logsumexp(of_heads, {0}) - std::log(static_cast<double>(heads));
}

}  // namespace

void keep_attention(const ModelConfig& config, const GuidedAlignment& options,
                    DecoderState& state) {
  const auto layer = attention_layer_of(config, options.layer);
  if (layer) state.layers.at(static_cast<std::size_t>(*layer)).keep_scores = true;
}

at::Tensor alignment_loss(const ModelConfig& config, const GuidedAlignment& options,
                          const Batch& batch, const DecoderState& state, const Pointing& pointing) {
  if (!batch.links.defined()) return at::zeros({}, batch.source.options().dtype(at::kFloat));
  const auto layer = attention_layer_of(config, options.layer);
  const at::Tensor log_weights =
      layer ? log_mean_weights(state.layers[static_cast<std::size_t>(*layer)].cross_scores,
                               batch.links)
            : pointing.log_weights.flatten().index_select(0, batch.links);  // [N]
  return (log_weights * batch.link_weights).sum().neg();
}

}  // namespace dragoman
