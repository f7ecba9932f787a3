#include "dragoman/inference/engine/network.h"

#include <cmath>

#include "dragoman/inference/kernels/rows.h"

namespace dragoman::engine {
namespace {

/// Positions whose sinusoids are computed once.
constexpr std::int64_t kSinusoids = 256;

std::vector<float> sinusoids(PositionKind kind, std::int64_t dim) {
  std::vector<float> table(static_cast<std::size_t>(kSinusoids * dim));
  for (std::int64_t position = 0; position < kSinusoids; ++position)
    add_sinusoid(kind, position, dim, table.data() + position * dim);
  return table;
}

/// Takes weights out of the map by their names.
class Builder {
 public:
  Builder(const ModelConfig& config, const std::map<std::string, WeightView>& weights,
          WeightType type)
      : config_(config), weights_(weights), type_(type) {}

  [[nodiscard]] const WeightView& weight(const std::string& name) const {
    return weights_.at(name);
  }
  [[nodiscard]] bool holds(const std::string& name) const { return weights_.contains(name); }

  [[nodiscard]] std::vector<float> vector(const std::string& name) const {
    const WeightView& view = weight(name);
    std::int64_t count = 1;
    for (const std::int64_t size : view.shape)
      count *= size;
    return {view.data, view.data + count};
  }

  [[nodiscard]] PackedMatrix matrix(const std::string& name) const {
    const WeightView& view = weight(name);
    return {view.data, view.shape.at(0), view.shape.at(1), type_};
  }

  [[nodiscard]] Linear linear(const std::string& name) const {
    return {matrix(name + ".weight"), vector(name + ".bias")};
  }

  [[nodiscard]] Norm norm(const std::string& name) const {
    return {vector(name + ".weight"), vector(name + ".bias"),
            static_cast<float>(config_.norm_epsilon)};
  }

  [[nodiscard]] Embedding embedding(const std::string& name, std::int64_t vocabulary,
                                    std::int64_t dim) const {
    Embedding result;
    result.table = vector(name + ".weight");
    result.kind = config_.positions;
    if (result.kind == PositionKind::learned) result.positions = vector(name + ".positions.weight");
    if (is_sinusoidal(result.kind)) result.positions = sinusoids(result.kind, dim);
    result.dim = dim;
    result.vocabulary = vocabulary;
    if (config_.scale_embeddings)
      result.scale = static_cast<float>(std::sqrt(static_cast<double>(dim)));
    return result;
  }

  [[nodiscard]] FeedForward feed_forward(const std::string& layer) const {
    return {linear(layer + "feed_forward.inner"), linear(layer + "feed_forward.outer"),
            norm(layer + "feed_forward_norm")};
  }

  [[nodiscard]] EncoderLayer encoder_layer(const std::string& layer) const {
    return {linear(layer + "self_attention.query_key_value"),
            linear(layer + "self_attention.output"), norm(layer + "self_attention_norm"),
            feed_forward(layer)};
  }

  [[nodiscard]] DecoderLayer decoder_layer(const std::string& layer) const {
    return {linear(layer + "self_attention.query_key_value"),
            linear(layer + "self_attention.output"),
            norm(layer + "self_attention_norm"),
            linear(layer + "cross_attention.query"),
            linear(layer + "cross_attention.key_value"),
            linear(layer + "cross_attention.output"),
            norm(layer + "cross_attention_norm"),
            feed_forward(layer)};
  }

  [[nodiscard]] Pointer pointer() const {
    const CopyHeadConfig& copy = config_.copy_head;
    Pointer result;
    result.config = copy;
    result.layer = copy.layer == 0 ? config_.decoder.layers - 1 : copy.layer - 1;
    result.key_dim = config_.decoder.dim / config_.decoder.heads;
    if (copy.pointer == PointerKind::dedicated) {
      result.query = linear("copy_head.query");
      result.key = linear("copy_head.key");
      result.key_dim = result.key->matrix.outputs();
    }
    result.gate = vector("copy_head.gate.weight");
    result.gate_bias = vector("copy_head.gate.bias").front();
    if (copy.coverage) result.coverage = vector("copy_head.coverage").front();
    if (copy.follow) {
      result.follow = vector("copy_head.follow");
      result.follow_gate = vector("copy_head.follow_gate");
    }
    return result;
  }

 private:
  const ModelConfig& config_;
  const std::map<std::string, WeightView>& weights_;
  WeightType type_;
};

/// The name of the output projection's matrix, wherever it is tied to.
std::string output_name(const Builder& build, TiedEmbeddings tied) {
  const bool with_target =
      tied == TiedEmbeddings::target_output && build.holds("target_embedding.weight");
  if (with_target) return "target_embedding.weight";
  const bool is_tied = tied == TiedEmbeddings::all || tied == TiedEmbeddings::source_output ||
                       tied == TiedEmbeddings::target_output;
  return is_tied ? "source_embedding.weight" : "output_head.weight";
}

}  // namespace

void Linear::operator()(const float* x, std::int64_t rows, float* out, Scratch& scratch,
                        Activation activation) const {
  matrix.multiply(x, rows, {bias.empty() ? nullptr : bias.data(), activation, false}, out, scratch);
}

void Linear::add_to(const float* x, std::int64_t rows, float* out, Scratch& scratch) const {
  matrix.multiply(x, rows, {bias.empty() ? nullptr : bias.data(), Activation::none, true}, out,
                  scratch);
}

Linear Linear::select(std::span<const std::int64_t> chosen) const {
  Linear selected{matrix.select(chosen), {}};
  if (bias.empty()) return selected;
  for (const std::int64_t output : chosen)
    selected.bias.push_back(bias[static_cast<std::size_t>(output)]);
  return selected;
}

void Norm::operator()(const float* x, std::int64_t rows, float* out) const {
  layer_norm_rows({x, rows, std::ssize(weight), weight.data(), bias.data(), epsilon, out});
}

bool is_sinusoidal(PositionKind kind) {
  return kind == PositionKind::sinusoidal || kind == PositionKind::sinusoidal_split;
}

void add_sinusoid(PositionKind kind, std::int64_t position, std::int64_t dim, float* out) {
  const double step = -2.0 * std::log(10000.0) / static_cast<double>(dim);
  const std::int64_t pairs = (dim + 1) / 2;
  for (std::int64_t column = 0; column < dim; ++column) {
    const bool is_split = kind == PositionKind::sinusoidal_split;
    const std::int64_t pair = is_split ? column % pairs : column / 2;
    const bool is_sine = is_split ? column < pairs : column % 2 == 0;
    const double angle = static_cast<double>(position) * std::exp(static_cast<double>(pair) * step);
    out[column] += static_cast<float>(is_sine ? std::sin(angle) : std::cos(angle));
  }
}

Activation Network::activation() const {
  switch (config.activation) {
    case dragoman::Activation::relu:
      return Activation::relu;
    case dragoman::Activation::gelu:
      return Activation::gelu;
    case dragoman::Activation::silu:
      return Activation::silu;
    case dragoman::Activation::gelu_new:  // ModelConfig::modules_only
      break;
  }
  return Activation::none;
}

Network build_network(const ModelConfig& config, const std::map<std::string, WeightView>& weights,
                      WeightType type) {
  const Builder build(config, weights, type);
  Network network;
  network.config = config;
  network.source =
      build.embedding("source_embedding", config.source_vocabulary, config.encoder.dim);
  // Learned positions are each side's own even where the words are shared.
  const bool has_own_words = build.holds("target_embedding.weight");
  if (has_own_words || config.positions == PositionKind::learned) {
    const std::string name = "target_embedding";
    Embedding target = network.source;
    if (has_own_words)
      target = build.embedding(name, config.target_vocabulary, config.decoder.dim);
    else
      target.positions = build.vector(name + ".positions.weight");
    network.own_target = std::move(target);
  }
  for (std::int64_t layer = 0; layer < config.encoder.layers; ++layer)
    network.encoder.push_back(build.encoder_layer("encoder.layers." + std::to_string(layer) + "."));
  for (std::int64_t layer = 0; layer < config.decoder.layers; ++layer)
    network.decoder.push_back(build.decoder_layer("decoder.layers." + std::to_string(layer) + "."));
  if (config.norm == NormPosition::pre) {
    network.encoder_norm = build.norm("encoder.norm");
    network.decoder_norm = build.norm("decoder.norm");
  }
  network.output.matrix = build.matrix(output_name(build, config.tied_embeddings));
  if (config.output_bias) network.output.bias = build.vector("output_head.bias");
  if (config.copy_head.enabled) network.pointer = build.pointer();
  return network;
}

}  // namespace dragoman::engine
