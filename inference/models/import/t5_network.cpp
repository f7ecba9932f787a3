#include <fmt/format.h>

#include <cmath>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/import/networks.h"

namespace dragoman {
namespace {

/// "relu", "gated-gelu", ...: `gated-gelu` stands for the approximation.
void set_feed_forward(const Settings& settings, ModelConfig& config) {
  const std::string projection = settings.text("feed_forward_proj", "relu");
  const std::string gated = "gated-";
  config.gated_feed_forward = projection.starts_with(gated);
  const std::string name = config.gated_feed_forward ? projection.substr(gated.size()) : projection;
  config.activation = activation_named(projection == "gated-gelu" ? "gelu_new" : name, settings);
}

StackConfig t5_stack(const Settings& settings, std::int64_t layers) {
  StackConfig stack{.layers = layers,
                    .dim = settings.integer("d_model", 1, 65536),
                    .heads = settings.integer("num_heads", 1, 1024),
                    .head_dim = settings.integer("d_kv", 1, 65536),
                    .feed_forward = settings.integer("d_ff", 1, 1048576)};
  if (stack.attention_dim() == stack.dim) stack.head_dim = 0;
  return stack;
}

void take_t5_stack(const std::string& side, const ModelConfig& config, WeightMap& weights) {
  const bool is_decoder = side == "decoder";
  const std::int64_t layers = is_decoder ? config.decoder.layers : config.encoder.layers;
  for (std::int64_t number = 0; number < layers; ++number) {
    const std::string from = fmt::format("{}.block.{}.layer.", side, number);
    const std::string to = fmt::format("{}.layers.{}.", side, number);
    const std::string self = from + "0.SelfAttention.";
    weights.stack({self + "q.weight", self + "k.weight", self + "v.weight"},
                  to + "self_attention.query_key_value.weight");
    weights.take(self + "o.weight", to + "self_attention.output.weight");
    weights.take(from + "0.layer_norm.weight", to + "self_attention_norm.weight");
    if (is_decoder) {
      const std::string cross = from + "1.EncDecAttention.";
      weights.take(cross + "q.weight", to + "cross_attention.query.weight");
      weights.stack({cross + "k.weight", cross + "v.weight"},
                    to + "cross_attention.key_value.weight");
      weights.take(cross + "o.weight", to + "cross_attention.output.weight");
      weights.take(from + "1.layer_norm.weight", to + "cross_attention_norm.weight");
      weights.leave(cross + "relative_attention_bias.weight",
                    "attention to the source has no positions; T5 does not read it");
    }
    const std::string block = from + (is_decoder ? "2." : "1.");
    if (config.gated_feed_forward) {
      weights.take(block + "DenseReluDense.wi_0.weight", to + "feed_forward.gate.weight");
      weights.take(block + "DenseReluDense.wi_1.weight", to + "feed_forward.inner.weight");
    } else {
      weights.take(block + "DenseReluDense.wi.weight", to + "feed_forward.inner.weight");
    }
    weights.take(block + "DenseReluDense.wo.weight", to + "feed_forward.outer.weight");
    weights.take(block + "layer_norm.weight", to + "feed_forward_norm.weight");
  }
  weights.take(side + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight",
               side + ".relative_positions.weight");
  weights.take(side + ".final_layer_norm.weight", side + ".norm.weight");
}

}  // namespace

ModelConfig import_t5_network(const Settings& settings, WeightMap& weights) {
  ModelConfig config;
  const std::int64_t layers = settings.integer("num_layers", 1, 1000);
  config.encoder = t5_stack(settings, layers);
  config.decoder = t5_stack(settings, settings.integer("num_decoder_layers", 1, 1000, layers));
  config.norm = NormPosition::pre;
  config.norm_type = NormType::rms_norm;
  config.norm_epsilon = settings.number("layer_norm_epsilon", 1e-12, 0.1, 1e-6);
  set_feed_forward(settings, config);
  config.linear_bias = config.output_bias = false;
  config.scale_attention = config.scale_embeddings = false;
  config.positions = PositionKind::relative;
  config.max_positions = settings.integer("n_positions", 2, 1048576, 1024);
  config.relative_buckets = settings.integer("relative_attention_num_buckets", 4, 65536, 32);
  config.relative_distance = settings.integer("relative_attention_max_distance", 2, 1048576, 128);
  config.dropout = settings.number("dropout_rate", 0.0, 0.99, 0.1);
  config.attention_dropout = config.activation_dropout = config.dropout;
  config.source_vocabulary = settings.integer("vocab_size", 2, 10000000);
  config.target_vocabulary = config.source_vocabulary;
  const std::string encoder = "encoder.embed_tokens.weight";
  const std::string decoder = "decoder.embed_tokens.weight";
  config.tied_embeddings =
      take_vocabulary_matrices({.source = {"shared.weight", encoder},
                                .target = {decoder, "shared.weight", encoder},
                                .output = {"lm_head.weight", decoder, "shared.weight", encoder}},
                               weights);
  // Models of version 1.1 say that they are not tied, and do not scale either.
  const bool is_scaled =
      settings.flag("tie_word_embeddings", true) && settings.flag("scale_decoder_outputs", true);
  if (is_scaled) config.output_scale = 1.0 / std::sqrt(static_cast<double>(config.decoder.dim));
  take_t5_stack("encoder", config, weights);
  take_t5_stack("decoder", config, weights);
  return config;
}

}  // namespace dragoman
