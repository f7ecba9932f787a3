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

/// transformer: Vaswani et al. 2017. lstm: the classical encoder-decoder with attention (Bahdanau
/// et al. 2015; Luong et al. 2015), as a baseline.
enum class Architecture { transformer, lstm };
constexpr auto names(Architecture) {
  return std::to_array<std::pair<std::string_view, Architecture>>(
      {{"transformer", Architecture::transformer}, {"lstm", Architecture::lstm}});
}

/// One stack of layers.
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

/// What points at source positions: an attention of its own, or a head of a decoder layer's
/// attention to the source.
enum class PointerKind { dedicated, attention_head };
constexpr auto names(PointerKind) {
  return std::to_array<std::pair<std::string_view, PointerKind>>(
      {{"dedicated", PointerKind::dedicated}, {"attention_head", PointerKind::attention_head}});
}

/// The pointer-generator head (See et al. 2017, "Get to the point"): words are generated, or copied
/// from the source, in no vocabulary if need be.
struct CopyHeadConfig {
  bool enabled = false;
  PointerKind pointer = PointerKind::dedicated;
  std::int64_t dim = 0;
  std::int64_t layer = 0;
  std::int64_t head = 1;
  bool coverage = false;
  bool follow = true;
  std::int64_t extra_words = 64;

  static void fields(auto& self, auto&& visit) {
    visit("enabled", self.enabled, "copy source words, also such as no vocabulary holds");
    visit("pointer", self.pointer,
          "what points at the source: an attention of its own, or a head of the decoder");
    visit("dim", self.dim, "width of the dedicated pointer; 0: decoder.dim", 0, 65536);
    visit("layer", self.layer, "attention_head: the decoder layer, counted from 1; 0: the last one",
          0, 1000);
    visit("head", self.head, "attention_head: the head, counted from 1", 1, 1024);
    visit("coverage", self.coverage, "let the pointer know where it has pointed before");
    visit("follow", self.follow,
          "let the pointer know which positions come behind the words that were said last");
    visit("extra_words", self.extra_words,
          "different words of a source that are in no vocabulary and can be copied, at most", 0,
          100000);
  }
  void check(auto&&) const {}
  bool operator==(const CopyHeadConfig&) const = default;
};

/// An encoder-decoder.
struct ModelConfig {
  Architecture architecture = Architecture::transformer;
  StackConfig encoder;
  StackConfig decoder;
  CopyHeadConfig copy_head;
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
  double layer_drop = 0.0;
  double norm_epsilon = 1e-5;
  std::int64_t source_vocabulary = 0;
  std::int64_t target_vocabulary = 0;

  static void fields(auto& self, auto&& visit) {
    visit("architecture", self.architecture,
          "transformer, or lstm: bidirectional LSTM layers and attention, which use neither norm, "
          "activation, positions, encoder.heads nor feed_forward");
    visit("encoder", self.encoder, "the encoder's stack");
    visit("decoder", self.decoder, "the decoder's stack");
    visit("copy_head", self.copy_head, "copying from the source");
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
    visit(
        "layer_drop", self.layer_drop,
        "probability that a batch goes past a layer of the encoder or decoder in training (Fan et "
        "al. 2020)",
        0.0, 0.99);
    visit("norm_epsilon", self.norm_epsilon, "added to the variance in layer normalisation", 1e-12,
          0.1);
    visit("source_vocabulary", self.source_vocabulary,
          "number of source pieces; 0: taken from the tokeniser", 0, 10000000);
    visit("target_vocabulary", self.target_vocabulary,
          "number of target pieces; 0: taken from the tokeniser", 0, 10000000);
  }
  /// Decoder layers that attend to the source; they are the lowest ones.
  [[nodiscard]] std::int64_t attention_layers() const {
    return architecture == Architecture::lstm ? 1 : decoder.layers;
  }
  /// An lstm needs none.
  [[nodiscard]] PositionKind used_positions() const {
    return architecture == Architecture::lstm ? PositionKind::none : positions;
  }
  void check(auto&& require) const {
    const bool crosses = tied_embeddings == TiedEmbeddings::source_target ||
                         tied_embeddings == TiedEmbeddings::source_output ||
                         tied_embeddings == TiedEmbeddings::all;
    require(!crosses || encoder.dim == decoder.dim, "tied_embeddings",
            "ties source and target matrices, which needs encoder.dim equal to decoder.dim");
    require(!crosses || source_vocabulary == target_vocabulary, "tied_embeddings",
            "ties source and target matrices, which needs one joint tokeniser");
    require(copy_head.layer <= attention_layers(), "copy_head.layer",
            "must not exceed the decoder layers that attend to the source: decoder.layers, or 1 of "
            "an lstm");
    require(architecture != Architecture::lstm || layer_drop == 0.0, "layer_drop",
            "is for Transformers: set it to 0 for an lstm");
    require(architecture != Architecture::lstm || encoder.dim % 2 == 0, "encoder.dim",
            "must be even: each direction of an lstm has one half");
    require(copy_head.head <= decoder.heads, "copy_head.head", "must not exceed decoder.heads");
  }
  bool operator==(const ModelConfig&) const = default;
};

}  // namespace dragoman
