#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dragoman/data/error.h"
#include "dragoman/inference/models/import/networks.h"
#include "dragoman/modules/positions.h"

namespace dragoman {
namespace {

/// Added to the logit of padding, which OpenNMT-py's copy generator excludes: its probability is 0
/// then, and label smoothing stays finite when training goes on.
constexpr double kExcluded = -1e4;

/// What the network would need that ours lacks. Absent settings are those of older versions.
void refuse_unknown(const Settings& settings) {
  const auto refuse = [&](const std::string& key, const std::string& why) {
    throw ModelError(fmt::format("{}: {} is {}, {}.", settings.path(), key,
                                 settings.json().at(key).dump(), why));
  };
  const auto expect = [&](const char* key, const std::vector<nlohmann::json>& allowed,
                          const char* why) {
    if (!settings.has(key)) return;
    for (const nlohmann::json& value : allowed)
      if (settings.json().at(key) == value) return;
    refuse(key, why);
  };
  expect("model_task", {"seq2seq"}, "and only translation models (seq2seq) are read");
  for (const char* side : {"encoder_type", "decoder_type"})
    expect(side, {"transformer"}, "and only Transformers are read");
  expect("self_attn_type", {"scaled-dot", "scaled-dot-flash"},
         "an attention that this program does not have");
  expect("max_relative_positions", {0},
         "and relative positions of this kind (Shaw et al. 2018, rotary, ALiBi) are not known");
  expect("relative_positions_buckets", {0},
         "and position buckets of every layer's own are not known");
  expect("parallel_residual", {false}, "a layout of layers that this program does not have");
  expect("sliding_window", {0}, "and attention within a window is not known");
  expect("num_experts", {0}, "and mixtures of experts are not known");
  expect("generator_function", {"softmax"}, "and outputs are a softmax here");
  expect("lora_layers", {nlohmann::json::array()},
         "merge them with OpenNMT-py's tools/lora_weights.py first");
  expect("lora_embedding", {false}, "merge it with OpenNMT-py's tools/lora_weights.py first");
  expect("quant_layers", {nlohmann::json::array()}, "and quantised weights are not read");
  expect("num_kv", {0, settings.integer("heads", 1, 1024)},
         "and keys and values shared by several heads are not known");
}

/// A number, or a list of those of the parts of a training, of which the last one counts.
double dropout_of(const Settings& settings, const std::string& key) {
  if (!settings.has(key)) return 0.0;
  const nlohmann::json& value = settings.json().at(key);
  const nlohmann::json& last = value.is_array() && !value.empty() ? value.back() : value;
  const double number = last.is_number() ? last.get<double>() : -1.0;
  return number >= 0.0 && number < 1.0 ? std::min(number, 0.99) : 0.0;
}

void set_activation(const Settings& settings, ModelConfig& config) {
  const std::string name = settings.text("pos_ffn_activation_fn", "relu");
  config.gated_feed_forward = name == "silu" || name == "gated-gelu";
  config.activation = activation_named(name == "gated-gelu" ? "gelu" : name, settings);
}

void set_norm(const Settings& settings, ModelConfig& config) {
  config.norm = NormPosition::pre;
  const std::string kind = settings.text("layer_norm", "standard");
  if (kind != "standard" && kind != "rms")
    throw ModelError(
        fmt::format("{}: layer_norm is '{}'. Known are standard, rms.", settings.path(), kind));
  if (kind == "rms") config.norm_type = NormType::rms_norm;
  config.norm_epsilon = settings.number("norm_eps", 1e-12, 0.1, 1e-6);
}

StackConfig stack_of(const Settings& settings, const std::string& side) {
  const std::string dim = side + "_hid_size";
  return {.layers = settings.integer(side + "_layers", 1, 1000),
          .dim = settings.has(dim) ? settings.integer(dim, 1, 65536)
                                   : settings.integer("hidden_size", 1, 65536),
          .heads = settings.integer("heads", 1, 1024),
          .feed_forward = settings.integer("transformer_ff", 1, 1048576)};
}

class OpenNmtTensors {
 public:
  OpenNmtTensors(ModelConfig& config, WeightMap& weights) : config_(config), weights_(weights) {}

  void take_all() {
    for (std::int64_t number = 0; number < config_.encoder.layers; ++number) {
      const std::string from = fmt::format("encoder.transformer.{}.", number);
      const std::string to = fmt::format("encoder.layers.{}.", number);
      self_attention(from, to);
      norm(from + "layer_norm", to + "self_attention_norm");
      feed_forward(from, to);
    }
    norm("encoder.layer_norm", "encoder.norm");
    for (std::int64_t number = 0; number < config_.decoder.layers; ++number) {
      const std::string from = fmt::format("decoder.transformer_layers.{}.", number);
      const std::string to = fmt::format("decoder.layers.{}.", number);
      self_attention(from, to);
      norm(from + "layer_norm_1", to + "self_attention_norm");
      const std::string cross = from + "context_attn.";
      linear({cross + "linear_query"}, to + "cross_attention.query");
      linear({cross + "linear_keys", cross + "linear_values"}, to + "cross_attention.key_value");
      linear({cross + "final_linear"}, to + "cross_attention.output");
      norm(from + "layer_norm_2", to + "cross_attention_norm");
      feed_forward(from, to);
    }
    norm("decoder.layer_norm", "decoder.norm");
  }

  void take_copy_head() {
    config_.copy_head = {.enabled = true,
                         .pointer = PointerKind::attention_head,
                         .layer = 0,
                         .head = 1,
                         .follow = false,
                         .extra_words = 4096};
    // It learns 1 - p_gen, from the decoder's state alone.
    const std::int64_t unused = config_.decoder.used_head_dim();
    weights_.take_changed(
        "generator.linear_copy.weight", "copy_head.gate.weight",
        [unused](const at::Tensor& weight) {
          return at::cat({-weight, at::zeros({weight.size(0), unused})}, 1);
        },
        "negated, zeros for what is pointed at");
    weights_.take_changed(
        "generator.linear_copy.bias", "copy_head.gate.bias",
        [](const at::Tensor& bias) { return -bias; }, "negated");
  }

  /// `pad`: the number of the padding word, to be excluded; below 0: none is.
  void take_output_bias(const std::string& name, std::int64_t pad) {
    if (pad < 0) {
      weights_.take(name, "output_head.bias");
      return;
    }
    weights_.take_changed(
        name, "output_head.bias",
        [pad](const at::Tensor& bias) {
          at::Tensor changed = bias.clone();
          changed.select(0, pad).fill_(kExcluded);
          return changed;
        },
        "padding excluded");
  }

 private:
  void self_attention(const std::string& from, const std::string& to) {
    const std::string self = from + "self_attn.linear_";
    linear({self + "query", self + "keys", self + "values"}, to + "self_attention.query_key_value");
    linear({from + "self_attn.final_linear"}, to + "self_attention.output");
  }

  void feed_forward(const std::string& from, const std::string& to) {
    const std::string block = from + "feed_forward.";
    if (config_.gated_feed_forward) {
      linear({block + "w_1"}, to + "feed_forward.gate");
      linear({block + "w_3"}, to + "feed_forward.inner");
    } else {
      linear({block + "w_1"}, to + "feed_forward.inner");
    }
    linear({block + "w_2"}, to + "feed_forward.outer");
    norm(block + "layer_norm", to + "feed_forward_norm");
  }

  void norm(const std::string& from, const std::string& to) {
    weights_.take(from + ".weight", to + ".weight");
    if (config_.norm_type == NormType::layer_norm) weights_.take(from + ".bias", to + ".bias");
  }

  /// Biases that the original does without are zeros, which compute the same: with them every
  /// engine knows the network.
  void linear(const std::vector<std::string>& from, const std::string& to) {
    std::vector<std::string> names;
    std::vector<std::string> biases;
    std::int64_t rows = 0;
    for (const std::string& name : from) {
      names.push_back(name + ".weight");
      biases.push_back(name + ".bias");
      const at::Tensor weight = weights_.find(names.back());
      if (weight.defined() && weight.dim() == 2) rows += weight.size(0);
    }
    weights_.stack(names, to + ".weight");
    if (weights_.has(biases.front()))
      weights_.stack(biases, to + ".bias");
    else
      weights_.make(to + ".bias", at::zeros({rows}), "zeros: the original has none");
  }

  ModelConfig& config_;
  WeightMap& weights_;
};

/// Both sides have a table of positions, or none; one that holds something else than the sinusoids
/// it should is another network.
void take_positions(const Settings& settings, WeightMap& weights, ModelConfig& config) {
  config.scale_embeddings = settings.flag("position_encoding", false);
  config.positions = PositionKind::none;
  config.max_positions = 5000;
  if (!config.scale_embeddings) return;
  const std::string kind = settings.text("position_encoding_type", "SinusoidalInterleaved");
  if (kind != "SinusoidalInterleaved" && kind != "SinusoidalConcat")
    throw ModelError(
        fmt::format("{}: position_encoding_type is '{}'. Known are SinusoidalInterleaved, "
                    "SinusoidalConcat.",
                    settings.path(), kind));
  config.positions = kind == "SinusoidalConcat" ? PositionKind::sinusoidal_tensor2tensor
                                                : PositionKind::sinusoidal;
  for (const char* side : {"encoder", "decoder"}) {
    const std::string name = fmt::format("{}.embeddings.make_embedding.pe.pe", side);
    const at::Tensor stored = weights.find(name);
    if (!stored.defined()) continue;
    const bool fits = stored.dim() == 3 && stored.size(1) == 1 && stored.is_floating_point() &&
                      stored.size(2) == config.encoder.dim && stored.size(0) >= 2;
    // Angles are computed in float32 there.
    if (!fits || !at::allclose(stored.select(1, 0).to(at::kFloat),
                               sinusoidal_positions({0, stored.size(0)}, stored.size(2), at::kCPU,
                                                    config.positions),
                               0.0, 1e-6 * static_cast<double>(stored.size(0)) + 1e-5))
      throw ModelError(fmt::format("{}: {} does not hold the positions that {} stands for.",
                                   weights.origin(), name, kind));
    config.max_positions = std::min<std::int64_t>(stored.size(0), 1048576);
    weights.leave(name, "sinusoids, which are computed");
  }
}

}  // namespace

ModelConfig import_opennmt_network(const Settings& settings, std::int64_t pad, WeightMap& weights) {
  refuse_unknown(settings);
  ModelConfig config;
  config.encoder = stack_of(settings, "enc");
  config.decoder = stack_of(settings, "dec");
  config.source_end = false;
  set_norm(settings, config);
  set_activation(settings, config);
  config.dropout = dropout_of(settings, "dropout");
  config.attention_dropout = dropout_of(settings, "attention_dropout");
  config.activation_dropout = config.dropout;
  take_positions(settings, weights, config);

  const bool copies = settings.flag("copy_attn", false);
  const std::string generator = copies ? "generator.linear." : "generator.";
  const std::string table = ".embeddings.make_embedding.emb_luts.0.weight";
  const auto rows = [&](const std::string& name) {
    const at::Tensor weight = weights.find(name);
    return weight.defined() && weight.dim() == 2 ? weight.size(0) : 0;
  };
  config.source_vocabulary = rows("encoder" + table);
  config.target_vocabulary = rows("decoder" + table);
  config.tied_embeddings = take_vocabulary_matrices({.source = {"encoder" + table},
                                                     .target = {"decoder" + table},
                                                     .output = {generator + "weight"}},
                                                    weights);
  OpenNmtTensors tensors(config, weights);
  tensors.take_all();
  if (copies) tensors.take_copy_head();
  tensors.take_output_bias(generator + "bias", copies ? pad : -1);
  return config;
}

}  // namespace dragoman
