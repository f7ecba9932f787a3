#include <ATen/ATen.h>
#include <fmt/format.h>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/import/networks.h"
#include "dragoman/modules/positions.h"

namespace dragoman {
namespace {

bool is_pre_norm(BartFamily family) {
  return family == BartFamily::mbart || family == BartFamily::pegasus ||
         family == BartFamily::m2m_100;
}

void set_positions(BartFamily family, ModelConfig& config) {
  switch (family) {
    case BartFamily::marian:
    case BartFamily::pegasus:
      config.positions = PositionKind::sinusoidal_split;
      return;
    case BartFamily::bart:
    case BartFamily::mbart:
      config.positions = PositionKind::learned;
      config.position_offset = 2;
      return;
    case BartFamily::m2m_100:
      config.positions = PositionKind::sinusoidal_tensor2tensor;
      config.position_offset = 2;
      return;
  }
}

/// `side` is encoder or decoder.
StackConfig stack_settings(const Settings& settings, const std::string& side) {
  return {.layers = settings.integer(side + "_layers", 1, 1000),
          .dim = settings.integer("d_model", 1, 65536),
          .heads = settings.integer(side + "_attention_heads", 1, 1024),
          .feed_forward = settings.integer(side + "_ffn_dim", 1, 1048576)};
}

class BartTensors {
 public:
  BartTensors(const ModelConfig& config, WeightMap& weights)
      : config_(config),
        weights_(weights),
        prefix_(weights.has("shared.weight") || weights.has("encoder.layers.0.fc1.weight")
                    ? ""
                    : "model.") {}

  void take_all() {
    stack("encoder", config_.encoder.layers);
    stack("decoder", config_.decoder.layers);
    for (const char* side : {"encoder", "decoder"})  // of fairseq
      weights_.leave(prefix_ + side + ".version", "the number of a file format");
  }

  [[nodiscard]] const std::string& prefix() const { return prefix_; }

 private:
  void both(const std::string& from, const std::string& to) {
    for (const char* part : {".weight", ".bias"})
      weights_.take(from + part, to + part);
  }
  void stacked(const std::vector<std::string>& from, const std::string& to) {
    for (const char* part : {".weight", ".bias"}) {
      std::vector<std::string> names;
      for (const std::string& name : from)
        names.push_back(name + part);
      weights_.stack(names, to + part);
    }
  }

  void layer(const std::string& side, const std::string& from, const std::string& to) {
    const std::string self = from + "self_attn.";
    stacked({self + "q_proj", self + "k_proj", self + "v_proj"},
            to + "self_attention.query_key_value");
    both(self + "out_proj", to + "self_attention.output");
    both(from + "self_attn_layer_norm", to + "self_attention_norm");
    if (side == "decoder") {
      const std::string cross = from + "encoder_attn.";
      both(cross + "q_proj", to + "cross_attention.query");
      stacked({cross + "k_proj", cross + "v_proj"}, to + "cross_attention.key_value");
      both(cross + "out_proj", to + "cross_attention.output");
      both(from + "encoder_attn_layer_norm", to + "cross_attention_norm");
    }
    both(from + "fc1", to + "feed_forward.inner");
    both(from + "fc2", to + "feed_forward.outer");
    both(from + "final_layer_norm", to + "feed_forward_norm");
  }

  void stack(const std::string& side, std::int64_t layers) {
    const std::string from = prefix_ + side + ".";
    const std::string embedding = side == "encoder" ? "source_embedding" : "target_embedding";
    for (std::int64_t number = 0; number < layers; ++number) {
      const std::string place = fmt::format("layers.{}.", number);
      layer(side, from + place, side + "." + place);
    }
    if (config_.norm == NormPosition::pre) both(from + "layer_norm", side + ".norm");
    if (config_.embedding_norm) both(from + "layernorm_embedding", embedding + ".norm");
    positions(from, embedding);
  }

  void positions(const std::string& from, const std::string& embedding) {
    const std::string table = from + "embed_positions.weight";
    if (config_.positions == PositionKind::learned) {
      weights_.take(table, embedding + ".positions.weight");
      return;
    }
    // A table of sinusoids is computed; one that holds something else is another network.
    for (const std::string& name : {table, from + "embed_positions.weights"}) {
      const at::Tensor stored = weights_.find(name);
      if (!stored.defined()) continue;
      const bool fits =
          stored.dim() == 2 && stored.size(1) == config_.encoder.dim && stored.is_floating_point();
      if (!fits)
        throw ModelError(fmt::format("{}: {} is no table of positions.", weights_.origin(), name));
      at::Tensor expected =
          sinusoidal_positions({0, stored.size(0)}, stored.size(1), at::kCPU, config_.positions);
      if (config_.position_offset > 1 && stored.size(0) > 1) expected[1].zero_();  // of padding
      const double tolerance = stored.scalar_type() == at::kFloat ? 1e-4 : 1e-2;
      if (!at::allclose(stored.to(at::kFloat), expected, 1e-3, tolerance))
        throw ModelError(
            fmt::format("{}: {} does not hold the sinusoids of this family's positions.",
                        weights_.origin(), name));
      weights_.leave(name, "sinusoids, which are computed");
    }
  }

  const ModelConfig& config_;
  WeightMap& weights_;
  std::string prefix_;
};

}  // namespace

ModelConfig import_bart_network(BartFamily family, const Settings& settings, WeightMap& weights) {
  ModelConfig config;
  config.encoder = stack_settings(settings, "encoder");
  config.decoder = stack_settings(settings, "decoder");
  config.norm = is_pre_norm(family) ? NormPosition::pre : NormPosition::post;
  const std::string default_activation = family == BartFamily::marian ? "swish" : "relu";
  config.activation = activation_named(
      settings.text("activation_function", family == BartFamily::bart || family == BartFamily::mbart
                                               ? "gelu"
                                               : default_activation),
      settings);
  set_positions(family, config);
  config.max_positions = settings.integer("max_position_embeddings", 2, 1048576);
  config.scale_embeddings = settings.flag("scale_embedding", false);
  config.embedding_norm = family == BartFamily::bart || family == BartFamily::mbart;
  config.dropout = settings.number("dropout", 0.0, 0.99, 0.1);
  config.attention_dropout = settings.number("attention_dropout", 0.0, 0.99, 0.0);
  config.activation_dropout = settings.number("activation_dropout", 0.0, 0.99, 0.0);
  config.norm_epsilon = 1e-5;
  config.source_vocabulary = settings.integer("vocab_size", 2, 10000000);
  config.target_vocabulary =
      settings.integer("decoder_vocab_size", 2, 10000000, config.source_vocabulary);

  BartTensors tensors(config, weights);
  const std::string& prefix = tensors.prefix();
  const std::string shared = prefix + "shared.weight";
  const std::string encoder = prefix + "encoder.embed_tokens.weight";
  const std::string decoder = prefix + "decoder.embed_tokens.weight";
  const bool is_shared = settings.flag("share_encoder_decoder_embeddings", true);
  const VocabularyMatrices separate{.source = {encoder, shared},
                                    .target = {decoder, shared},
                                    .output = {"lm_head.weight", decoder, shared}};
  const VocabularyMatrices joint{.source = {encoder, shared, decoder, "lm_head.weight"},
                                 .target = {decoder, shared, encoder, "lm_head.weight"},
                                 .output = {"lm_head.weight", decoder, shared, encoder}};
  config.tied_embeddings = take_vocabulary_matrices(is_shared ? joint : separate, weights);
  config.output_bias = weights.has("final_logits_bias");
  if (config.output_bias) weights.take_row("final_logits_bias", "output_head.bias");
  tensors.take_all();
  return config;
}

}  // namespace dragoman
