#include "dragoman/modules/attention.h"

#include <ATen/ATen.h>

#include <cmath>

#include "dragoman/modules/dropout.h"
#include "dragoman/modules/shape.h"

namespace dragoman {
namespace {

/// 1 / sqrt(K), or 1.
double scale_of(const ModelConfig& config, const StackConfig& stack) {
  return config.scale_attention ? 1.0 / std::sqrt(static_cast<double>(stack.used_head_dim())) : 1.0;
}

LinearBias bias_of(const ModelConfig& config) {
  return config.linear_bias ? LinearBias::own : LinearBias::none;
}

/// x [B, T, n * H * K] -> n tensors [B, H, T, K], one behind the other in memory.
std::vector<at::Tensor> split_heads(const at::Tensor& x, std::int64_t parts, std::int64_t heads) {
  return x
      .view({x.size(0), x.size(1), parts, heads, -1})  // [B, T, n, H, K]
      .permute({2, 0, 3, 1, 4})                        // [n, B, H, T, K]
      .contiguous()
      .unbind(0);
}

/// x [B, H, T, K] -> [B, T, H * K].
at::Tensor join_heads(const at::Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), x.size(1) * x.size(3)});
}

}  // namespace

at::Tensor attend(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values,
                  const AttentionMask& mask, double scale, double dropout_probability,
                  at::Tensor* kept_scores) {
  if (!queries.is_cpu() && kept_scores == nullptr) {
    const bool causal = mask.causal;
    return at::scaled_dot_product_attention(
        queries, keys, values,
        causal || !mask.added.defined() ? std::nullopt : std::optional(mask.added),
        dropout_probability, causal, scale);
  }
  at::Tensor scores = at::matmul(queries * scale, keys.transpose(-2, -1));  // [B, H, T, S]
  if (mask.added.defined()) scores = scores + mask.added;
  if (kept_scores != nullptr) *kept_scores = scores;
  const at::Tensor weights = dropout(at::softmax(scores, -1), dropout_probability);
  return at::matmul(weights, values);
}

SelfAttentionImpl::SelfAttentionImpl(const ModelConfig& config, const StackConfig& stack)
    : heads_(stack.heads), scale_(scale_of(config, stack)), dropout_(config.attention_dropout) {
  const std::int64_t width = stack.attention_dim();
  query_key_value_ =
      register_module("query_key_value", Linear(stack.dim, 3 * width, bias_of(config)));
  output_ = register_module("output", Linear(width, stack.dim, bias_of(config)));
}

SelfAttentionImpl::Projected SelfAttentionImpl::project(const at::Tensor& x) {
  const std::vector<at::Tensor> parts = split_heads(query_key_value_(x), 3, heads_);
  return {parts[0], parts[1], parts[2]};
}

at::Tensor SelfAttentionImpl::combine(const at::Tensor& heads) {
  return output_(join_heads(heads));
}

at::Tensor SelfAttentionImpl::forward(const at::Tensor& x, const AttentionMask& mask) {
  const Projected own = project(x);
  return combine(attend(own.queries, own.keys, own.values, mask, scale_, dropout()));
}

at::Tensor SelfAttentionImpl::forward(const at::Tensor& x, const AttentionMask& mask,
                                      DecoderState::Layer& past, bool keep) {
  Projected own = project(x);
  if (past.self_keys.defined()) {
    own.keys = at::cat({past.self_keys, own.keys}, 2);        // [R, H, past + T, K]
    own.values = at::cat({past.self_values, own.values}, 2);  // [R, H, past + T, K]
  }
  if (keep) {
    past.self_keys = own.keys;
    past.self_values = own.values;
  }
  return combine(attend(own.queries, own.keys, own.values, mask, scale_, dropout()));
}

CrossAttentionImpl::CrossAttentionImpl(const ModelConfig& config, const StackConfig& stack,
                                       std::int64_t memory_dim)
    : heads_(stack.heads), scale_(scale_of(config, stack)), dropout_(config.attention_dropout) {
  const std::int64_t width = stack.attention_dim();
  query_ = register_module("query", Linear(stack.dim, width, bias_of(config)));
  key_value_ = register_module("key_value", Linear(memory_dim, 2 * width, bias_of(config)));
  output_ = register_module("output", Linear(width, stack.dim, bias_of(config)));
}

void CrossAttentionImpl::project_memory(const at::Tensor& memory, DecoderState::Layer& layer) {
  const std::vector<at::Tensor> parts = split_heads(key_value_(memory), 2, heads_);
  layer.cross_keys = parts[0];
  layer.cross_values = parts[1];
}

at::Tensor CrossAttentionImpl::forward(const at::Tensor& x, const AttentionMask& mask,
                                       DecoderState::Layer& layer) {
  const std::int64_t sentences = layer.cross_keys.size(0);
  TORCH_CHECK(x.size(0) % sentences == 0, "decoder: ", x.size(0), " rows over ", sentences,
              " sentences");
  // Rows of one sentence become queries of one attention: the memory is never repeated.
  const at::Tensor queries = query_(x)
                                 .view({sentences, -1, heads_, layer.cross_keys.size(3)})
                                 .transpose(1, 2);  // [B, H, beam * T, K]
  const at::Tensor heads =
      attend(queries, layer.cross_keys, layer.cross_values, mask, scale_,
             is_training() ? dropout_ : 0.0, layer.keep_scores ? &layer.cross_scores : nullptr);
  return output_(join_heads(heads).view({x.size(0), x.size(1), -1}));  // [R, T, D]
}

}  // namespace dragoman
