// What a model is, as plain data: no JSON, no LibTorch. Each struct lists its fields once in
// `fields` (name, member, help, and for numbers the smallest and largest value allowed); reading,
// writing, overriding and documenting the configuration are visitors of that list (data/config.h).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace dragoman {

/// Where a block normalises: before each sub-layer (with one more norm at the end of the stack), or
/// after the residual sum as in Vaswani et al. 2017.
enum class NormPosition { pre, post };
constexpr auto names(NormPosition) {
  return std::to_array<std::pair<std::string_view, NormPosition>>(
      {{"pre", NormPosition::pre}, {"post", NormPosition::post}});
}

/// gelu is the exact form with the error function.
enum class Activation { relu, gelu, silu };
constexpr auto names(Activation) {
  return std::to_array<std::pair<std::string_view, Activation>>(
      {{"relu", Activation::relu}, {"gelu", Activation::gelu}, {"silu", Activation::silu}});
}

enum class PositionKind { sinusoidal, learned, none };
constexpr auto names(PositionKind) {
  return std::to_array<std::pair<std::string_view, PositionKind>>(
      {{"sinusoidal", PositionKind::sinusoidal},
       {"learned", PositionKind::learned},
       {"none", PositionKind::none}});
}

/// Which of the three vocabulary matrices (source embedding, target embedding, output projection)
/// are one parameter.
enum class TiedEmbeddings { none, source_target, target_output, source_output, all };
constexpr auto names(TiedEmbeddings) {
  return std::to_array<std::pair<std::string_view, TiedEmbeddings>>(
      {{"none", TiedEmbeddings::none},
       {"source_target", TiedEmbeddings::source_target},
       {"target_output", TiedEmbeddings::target_output},
       {"source_output", TiedEmbeddings::source_output},
       {"all", TiedEmbeddings::all}});
}

enum class Initialization { xavier, normal };
constexpr auto names(Initialization) {
  return std::to_array<std::pair<std::string_view, Initialization>>(
      {{"xavier", Initialization::xavier}, {"normal", Initialization::normal}});
}

/// One stack of Transformer layers.
struct StackConfig {
  std::int64_t layers = 6;
  std::int64_t dim = 512;
  std::int64_t heads = 8;
  std::int64_t feed_forward = 2048;

  static void fields(auto& self, auto&& visit) {
    visit("layers", self.layers, "number of layers", 1, 1000);
    visit("dim", self.dim, "model width; a multiple of heads", 1, 65536);
    visit("heads", self.heads, "attention heads", 1, 1024);
    visit("feed_forward", self.feed_forward, "inner width of the feed-forward block", 1, 1048576);
  }
  void check(auto&& require) const {
    require(dim % heads == 0, "dim", "must be a multiple of heads");
  }
  bool operator==(const StackConfig&) const = default;
};

/// A Transformer encoder-decoder (Vaswani et al. 2017, "Attention is all you need").
struct ModelConfig {
  StackConfig encoder;
  StackConfig decoder;
  NormPosition norm = NormPosition::pre;
  Activation activation = Activation::relu;
  PositionKind positions = PositionKind::sinusoidal;
  std::int64_t max_positions = 1024;
  TiedEmbeddings tied_embeddings = TiedEmbeddings::all;
  bool scale_embeddings = true;
  bool output_bias = true;
  Initialization initialization = Initialization::xavier;
  bool depth_scaled_initialization = false;
  double dropout = 0.1;
  double attention_dropout = 0.0;
  double activation_dropout = 0.0;
  double word_dropout = 0.0;
  double norm_epsilon = 1e-5;
  std::int64_t source_vocabulary = 0;
  std::int64_t target_vocabulary = 0;

  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder, "the encoder's stack");
    visit("decoder", self.decoder, "the decoder's stack");
    visit("norm", self.norm,
          "layer normalisation before each sub-layer, or after the residual sum");
    visit("activation", self.activation, "non-linearity of the feed-forward blocks");
    visit("positions", self.positions, "how positions enter the embeddings");
    visit("max_positions", self.max_positions,
          "longest sequence in tokens; the size of the table of learned positions", 2, 1048576);
    visit("tied_embeddings", self.tied_embeddings,
          "which of source embedding, target embedding and output projection are one matrix");
    visit("scale_embeddings", self.scale_embeddings, "multiply embeddings by sqrt(dim)");
    visit("output_bias", self.output_bias, "add a bias to the output projection");
    visit("initialization", self.initialization, "distribution of the initial weights");
    visit("depth_scaled_initialization", self.depth_scaled_initialization,
          "divide the initial weights of layer l by sqrt(l) (Zhang et al. 2019)");
    visit("dropout", self.dropout, "dropout on embeddings and on each sub-layer's output", 0.0,
          0.99);
    visit("attention_dropout", self.attention_dropout, "dropout on attention weights", 0.0, 0.99);
    visit("activation_dropout", self.activation_dropout,
          "dropout after the activation of feed-forward blocks", 0.0, 0.99);
    visit("word_dropout", self.word_dropout, "probability that a word's embedding is zeroed", 0.0,
          0.99);
    visit("norm_epsilon", self.norm_epsilon, "added to the variance in layer normalisation", 1e-12,
          0.1);
    visit("source_vocabulary", self.source_vocabulary,
          "number of source pieces; 0: taken from the tokeniser", 0, 10000000);
    visit("target_vocabulary", self.target_vocabulary,
          "number of target pieces; 0: taken from the tokeniser", 0, 10000000);
  }
  void check(auto&& require) const {
    const bool crosses = tied_embeddings == TiedEmbeddings::source_target ||
                         tied_embeddings == TiedEmbeddings::source_output ||
                         tied_embeddings == TiedEmbeddings::all;
    require(!crosses || encoder.dim == decoder.dim, "tied_embeddings",
            "ties source and target matrices, which needs encoder.dim equal to decoder.dim");
    require(!crosses || source_vocabulary == target_vocabulary, "tied_embeddings",
            "ties source and target matrices, which needs one joint tokeniser");
  }
  bool operator==(const ModelConfig&) const = default;
};

}  // namespace dragoman
