#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/import/networks.h"

namespace dragoman {
namespace {

constexpr auto kSides = std::to_array<const char*>({"encoder", "decoder"});

/// Where an option of one side stands: encoder_layers, or of newer versions encoder: layers.
struct SideOption {
  Settings settings;
  std::string key;
};
SideOption side_option(const Settings& settings, const std::string& side, const std::string& name) {
  const bool is_nested = settings.has(side) && settings.json().at(side).is_object();
  if (is_nested) return {settings.section(side), name};
  return {settings, side + "_" + name};
}

std::int64_t side_size(const Settings& settings, const std::string& side, const std::string& name,
                       std::int64_t high) {
  const SideOption option = side_option(settings, side, name);
  return option.settings.integer(option.key, 1, high);
}

bool side_flag(const Settings& settings, const std::string& side, const std::string& name) {
  const SideOption option = side_option(settings, side, name);
  return option.settings.flag(option.key, false);
}

/// The same for both sides, as ours has it.
bool common_flag(const Settings& settings, const std::string& name) {
  const bool encoder = side_flag(settings, "encoder", name);
  if (encoder != side_flag(settings, "decoder", name))
    throw ModelError(fmt::format("{}: {} is {} for the encoder alone, and both are one here.",
                                 settings.path(), name, encoder));
  return encoder;
}

[[noreturn]] void refuse_option(const SideOption& option, const std::string& why) {
  throw ModelError(fmt::format("{}: {} is {}, {}.", option.settings.path(), option.key,
                               option.settings.json().at(option.key).dump(), why));
}

/// Absent, null, false, 0: all that an option which is off can be.
bool is_off(const SideOption& option) {
  if (!option.settings.has(option.key)) return true;
  const nlohmann::json& value = option.settings.json().at(option.key);
  return value == false || value == 0;
}

void check_architecture(const Settings& settings) {
  const char* key = settings.has("arch") ? "arch" : "_name";
  const std::string name = settings.text(key, "transformer");
  const bool is_other =
      name.find("_lm") != std::string::npos || name.find("pointer_generator") != std::string::npos;
  if (!name.starts_with("transformer") || is_other)
    refuse_option({settings, key},
                  "and only its translation model `transformer` with its sizes is read");
}

/// What the network would need that ours lacks.
void refuse_extensions(const Settings& settings) {
  struct Unknown {
    const char* key;
    const char* why;
  };
  for (const Unknown& each : std::to_array<Unknown>(
           {{"adaptive_input", "and adaptive embeddings are not known"},
            {"adaptive_softmax_cutoff", "and an adaptive softmax is not known"},
            {"char_inputs", "and inputs of characters are not known"},
            {"cross_self_attention", "and cross- and self-attention in one are not known"},
            {"no_cross_attention", "and decoders look at the source here"},
            {"merge_src_tgt_embed", "and merged tables of words are not known"},
            {"use_factorized_embedding", "and factorised embeddings are not known"},
            {"base_layers", "and mixtures of experts are not known"},
            {"moe_freq", "and mixtures of experts are not known"},
            {"no_decoder_final_norm", "and stacks end with a normalisation here"},
            {"encoder_langtok", "and tags of languages in sources are not known"},
            {"decoder_langtok", "and tags of languages in targets are not known"}}))
    if (!is_off({settings, each.key})) refuse_option({settings, each.key}, each.why);
  for (const char* side : kSides)
    for (const Unknown& each :
         std::to_array<Unknown>({{"add_adapters", "and adapters are not known"},
                                 {"recurrent_stacking", "and layers used again are not known"},
                                 {"xformers_att_config", "and attention of xFormers is not known"},
                                 {"factorized_embed_dim",
                                  "and factorised embeddings are not "
                                  "known"}}))
      if (const SideOption option = side_option(settings, side, each.key); !is_off(option))
        refuse_option(option, each.why);
  for (const char* name : {"input_dim", "output_dim"}) {
    const SideOption option = side_option(settings, "decoder", name);
    if (!is_off(option) &&
        option.settings.json().at(option.key) != side_size(settings, "decoder", "embed_dim", 65536))
      refuse_option(option, "and a projection beside the layers is not known");
  }
}

StackConfig fairseq_stack(const Settings& settings, const std::string& side) {
  return {.layers = side_size(settings, side, "layers", 1000),
          .dim = side_size(settings, side, "embed_dim", 65536),
          .heads = side_size(settings, side, "attention_heads", 1024),
          .feed_forward = side_size(settings, side, "ffn_embed_dim", 1048576)};
}

class FairseqTensors {
 public:
  FairseqTensors(const ModelConfig& config, WeightMap& weights)
      : config_(config), weights_(weights) {}

  void take_all() {
    stack("encoder", config_.encoder.layers);
    stack("decoder", config_.decoder.layers);
  }

 private:
  void parts(const std::vector<std::string>& from, const std::string& to) {
    for (const char* part : {"weight", "bias"}) {
      std::vector<std::string> names;
      for (const std::string& name : from)
        names.push_back(name + "." + part);
      weights_.stack(names, to + "." + part);
    }
  }

  /// Rows [first, last) of D each of a matrix of queries, keys and values, as older versions have.
  void rows(const std::string& from, std::int64_t first, std::int64_t last, const std::string& to) {
    for (const char* part : {"weight", "bias"})
      weights_.take_changed(
          from + "in_proj_" + part, to + "." + part,
          [=](const at::Tensor& all) {
            const std::int64_t dim = all.size(0) / 3;
            return all.narrow(0, first * dim, (last - first) * dim);
          },
          fmt::format("parts {} to {} of 3", first + 1, last));
  }

  void attention(const std::string& from, const std::string& to, bool is_cross) {
    const bool is_stacked = weights_.has(from + "in_proj_weight");
    if (is_stacked && is_cross) {
      rows(from, 0, 1, to + ".query");
      rows(from, 1, 3, to + ".key_value");
    } else if (is_stacked) {
      rows(from, 0, 3, to + ".query_key_value");
    } else if (is_cross) {
      parts({from + "q_proj"}, to + ".query");
      parts({from + "k_proj", from + "v_proj"}, to + ".key_value");
    } else {
      parts({from + "q_proj", from + "k_proj", from + "v_proj"}, to + ".query_key_value");
    }
    parts({from + "out_proj"}, to + ".output");
  }

  void layer(const std::string& place, bool is_decoder) {
    attention(place + "self_attn.", place + "self_attention", /*is_cross=*/false);
    parts({place + "self_attn_layer_norm"}, place + "self_attention_norm");
    if (is_decoder) {
      attention(place + "encoder_attn.", place + "cross_attention", /*is_cross=*/true);
      parts({place + "encoder_attn_layer_norm"}, place + "cross_attention_norm");
    }
    parts({place + "fc1"}, place + "feed_forward.inner");
    parts({place + "fc2"}, place + "feed_forward.outer");
    parts({place + "final_layer_norm"}, place + "feed_forward_norm");
  }

  void stack(const std::string& side, std::int64_t layers) {
    const bool is_decoder = side == "decoder";
    const std::string embedding = is_decoder ? "target_embedding" : "source_embedding";
    for (std::int64_t number = 0; number < layers; ++number)
      layer(fmt::format("{}.layers.{}.", side, number), is_decoder);
    if (config_.norm == NormPosition::pre) parts({side + ".layer_norm"}, side + ".norm");
    if (config_.embedding_norm) parts({side + ".layernorm_embedding"}, embedding + ".norm");
    if (config_.positions == PositionKind::learned) positions(side, embedding);
    weights_.leave(side + ".version", "the number of a file format");
    for (const char* name : {"_float_tensor", "weights"})
      weights_.leave(side + ".embed_positions." + name, "sinusoids, which are computed");
  }

  /// Both sides have one limit here.
  void positions(const std::string& side, const std::string& embedding) {
    const std::int64_t count = config_.max_positions + config_.position_offset;
    weights_.take_changed(
        side + ".embed_positions.weight", embedding + ".positions.weight",
        [count](const at::Tensor& table) { return table.narrow(0, 0, count); },
        "as many as both sides have");
  }

  const ModelConfig& config_;
  WeightMap& weights_;
};

void set_fairseq_positions(const Settings& settings, const WeightMap& weights,
                           ModelConfig& config) {
  config.position_offset = 2;
  config.max_positions = std::max(settings.integer("max_source_positions", 1, 1048576, 1024),
                                  settings.integer("max_target_positions", 1, 1048576, 1024));
  if (settings.flag("no_token_positional_embeddings", false)) {
    config.positions = PositionKind::none;
    config.position_offset = 0;
  } else if (common_flag(settings, "learned_pos")) {
    config.positions = PositionKind::learned;
    for (const char* side : kSides) {
      const at::Tensor table = weights.find(std::string(side) + ".embed_positions.weight");
      if (table.defined() && table.dim() == 2)
        config.max_positions =
            std::min(config.max_positions, std::max<std::int64_t>(table.size(0) - 2, 1));
    }
  } else {
    config.positions = PositionKind::sinusoidal_tensor2tensor;
  }
}

}  // namespace

ModelConfig import_fairseq_network(const Settings& settings, WeightMap& weights) {
  check_architecture(settings);
  refuse_extensions(settings);
  ModelConfig config;
  config.encoder = fairseq_stack(settings, "encoder");
  config.decoder = fairseq_stack(settings, "decoder");
  config.norm = common_flag(settings, "normalize_before") ? NormPosition::pre : NormPosition::post;
  const std::string activation = settings.text("activation_fn", "relu");
  const bool is_tanh = activation == "gelu_fast" || activation == "gelu_accurate";
  config.activation = activation_named(is_tanh ? "gelu_new" : activation, settings);
  config.scale_embeddings = !settings.flag("no_scale_embedding", false);
  config.output_bias = false;
  config.embedding_norm = settings.flag("layernorm_embedding", false);
  config.dropout = settings.number("dropout", 0.0, 0.99, 0.1);
  config.attention_dropout = settings.number("attention_dropout", 0.0, 0.99, 0.0);
  config.activation_dropout = settings.number("activation_dropout", 0.0, 0.99, 0.0);
  set_fairseq_positions(settings, weights, config);

  const std::string source = "encoder.embed_tokens.weight";
  const std::string target = "decoder.embed_tokens.weight";
  const auto rows = [&](const std::string& name) {
    const at::Tensor weight = weights.find(name);
    return weight.defined() && weight.dim() == 2 ? weight.size(0) : 0;
  };
  config.source_vocabulary = rows(source);
  config.target_vocabulary = rows(target);
  const bool is_shared = settings.flag("share_all_embeddings", false) ||
                         settings.flag("share_decoder_input_output_embed", false);
  config.tied_embeddings = take_vocabulary_matrices(
      {.source = {source},
       .target = {target},
       .output = {"decoder.output_projection.weight", is_shared ? target : "decoder.embed_out"}},
      weights);
  FairseqTensors(config, weights).take_all();
  return config;
}

}  // namespace dragoman
