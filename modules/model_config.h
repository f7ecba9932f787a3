// What a model is, as plain data: no JSON, no LibTorch. Each struct lists its fields once in
// `fields` (name, member, help, and for numbers the smallest and largest value allowed); reading,
// writing, overriding and documenting the configuration are visitors of that list (data/config.h).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dragoman {

/// Where a block normalises: before each sub-layer (with one more norm at the end of the stack), or
/// after the residual sum as in Vaswani et al. 2017.
enum class NormPosition { pre, post };
constexpr auto names(NormPosition) {
  return std::to_array<std::pair<std::string_view, NormPosition>>(
      {{"pre", NormPosition::pre}, {"post", NormPosition::post}});
}

/// layer_norm: Ba et al. 2016. rms_norm: divides by the root of the mean square alone, without mean
/// and bias (Zhang and Sennrich 2019).
enum class NormType { layer_norm, rms_norm };
constexpr auto names(NormType) {
  return std::to_array<std::pair<std::string_view, NormType>>(
      {{"layer_norm", NormType::layer_norm}, {"rms_norm", NormType::rms_norm}});
}

/// gelu is the exact form with the error function, gelu_new its approximation by tanh (Hendrycks
/// and Gimpel 2016).
enum class Activation { relu, gelu, gelu_new, silu };
constexpr auto names(Activation) {
  return std::to_array<std::pair<std::string_view, Activation>>({{"relu", Activation::relu},
                                                                 {"gelu", Activation::gelu},
                                                                 {"gelu_new", Activation::gelu_new},
                                                                 {"silu", Activation::silu}});
}

/// sinusoidal: Vaswani et al. 2017, 3.5. sinusoidal_split: the same numbers, the sines in the first
/// half of a vector and the cosines in the second (Marian). sinusoidal_tensor2tensor: split, and
/// the slowest rate is 1/10000 itself (tensor2tensor, fairseq). relative: numbers added to
/// attention scores by the distance of the two tokens (Raffel et al. 2020, T5).
enum class PositionKind {
  sinusoidal,
  sinusoidal_split,
  sinusoidal_tensor2tensor,
  learned,
  relative,
  none
};
constexpr auto names(PositionKind) {
  return std::to_array<std::pair<std::string_view, PositionKind>>(
      {{"sinusoidal", PositionKind::sinusoidal},
       {"sinusoidal_split", PositionKind::sinusoidal_split},
       {"sinusoidal_tensor2tensor", PositionKind::sinusoidal_tensor2tensor},
       {"learned", PositionKind::learned},
       {"relative", PositionKind::relative},
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
  std::int64_t head_dim = 0;
  std::int64_t feed_forward = 2048;

  static void fields(auto& self, auto&& visit) {
    visit("layers", self.layers, "number of layers", 1, 1000);
    visit("dim", self.dim, "model width; a multiple of heads, unless head_dim is given", 1, 65536);
    visit("heads", self.heads, "attention heads", 1, 1024);
    visit("head_dim", self.head_dim, "width of one head; 0: dim / heads", 0, 65536);
    visit("feed_forward", self.feed_forward, "inner width of the feed-forward block", 1, 1048576);
  }
  void check(auto&& require) const {
    require(head_dim > 0 || dim % heads == 0, "dim", "must be a multiple of heads");
  }
  [[nodiscard]] std::int64_t used_head_dim() const { return head_dim > 0 ? head_dim : dim / heads; }
  /// Of all heads together.
  [[nodiscard]] std::int64_t attention_dim() const { return heads * used_head_dim(); }
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
  NormType norm_type = NormType::layer_norm;
  Activation activation = Activation::relu;
  bool gated_feed_forward = false;
  bool linear_bias = true;
  bool scale_attention = true;
  PositionKind positions = PositionKind::sinusoidal;
  std::int64_t max_positions = 1024;
  std::int64_t position_offset = 0;
  std::int64_t relative_buckets = 32;
  std::int64_t relative_distance = 128;
  TiedEmbeddings tied_embeddings = TiedEmbeddings::all;
  bool scale_embeddings = true;
  bool embedding_norm = false;
  bool output_bias = true;
  double output_scale = 1.0;
  std::vector<std::string> source_prefix;
  std::vector<std::string> target_prefix;
  bool source_end = true;
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
    visit("norm_type", self.norm_type,
          "layer normalisation, or root mean square normalisation, which has no bias");
    visit("activation", self.activation, "non-linearity of the feed-forward blocks");
    visit("gated_feed_forward", self.gated_feed_forward,
          "multiply what the activation yields by a second linear map of the input (Shazeer 2020)");
    visit("linear_bias", self.linear_bias,
          "add a bias in the linear maps of attention and feed-forward blocks");
    visit("scale_attention", self.scale_attention,
          "divide attention scores by the square root of a head's width");
    visit("positions", self.positions,
          "how positions enter the embeddings, or with relative the attention scores");
    visit("max_positions", self.max_positions,
          "longest sequence in tokens; the size of the table of learned positions, less "
          "position_offset",
          2, 1048576);
    visit("position_offset", self.position_offset,
          "number of the first position, sinusoidal or learned", 0, 65536);
    visit("relative_buckets", self.relative_buckets, "relative positions: groups of distances", 4,
          65536);
    visit("relative_distance", self.relative_distance,
          "relative positions: all distances from here on are in one group", 2, 1048576);
    visit("tied_embeddings", self.tied_embeddings,
          "which of source embedding, target embedding and output projection are one matrix");
    visit("scale_embeddings", self.scale_embeddings, "multiply embeddings by sqrt(dim)");
    visit("embedding_norm", self.embedding_norm, "normalise embeddings after positions were added");
    visit("output_bias", self.output_bias, "add a bias to the output projection");
    visit("output_scale", self.output_scale,
          "factor of the decoder's states before the output projection", 1e-6, 1e6);
    visit("source_prefix", self.source_prefix,
          "pieces that stand before every source: a language tag");
    visit("target_prefix", self.target_prefix,
          "pieces that every target begins with: a language tag. They are no part of its text");
    visit("source_end", self.source_end, "let every source end with </s>");
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
  /// The first option set that only the modules compute: neither the packed CPU engine nor
  /// CTranslate2 nor the TorchScript methods of a model file do. Empty: none.
  [[nodiscard]] std::string_view modules_only() const {
    if (architecture == Architecture::lstm) return "architecture";
    if (norm_type != NormType::layer_norm) return "norm_type";
    if (activation == Activation::gelu_new) return "activation";
    if (gated_feed_forward) return "gated_feed_forward";
    if (!linear_bias) return "linear_bias";
    if (!scale_attention) return "scale_attention";
    if (encoder.attention_dim() != encoder.dim) return "encoder.head_dim";
    if (decoder.attention_dim() != decoder.dim) return "decoder.head_dim";
    if (positions == PositionKind::relative || positions == PositionKind::sinusoidal_tensor2tensor)
      return "positions";
    if (position_offset != 0) return "position_offset";
    if (embedding_norm) return "embedding_norm";
    if (output_scale != 1.0) return "output_scale";
    return "";
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
    require(
        architecture != Architecture::lstm || (encoder.head_dim == 0 && decoder.head_dim == 0 &&
                                               scale_attention && linear_bias && !embedding_norm),
        "architecture",
        "lstm knows no head_dim, embedding_norm, and no attention without scale or bias");
    require(positions != PositionKind::relative || relative_buckets % 4 == 0, "relative_buckets",
            "must be a multiple of 4");
    require(positions != PositionKind::relative || relative_distance > relative_buckets / 2,
            "relative_distance", "must be above half of relative_buckets");
    const bool has_prefix = !source_prefix.empty() || !target_prefix.empty();
    require(!copy_head.enabled || !has_prefix, "copy_head.enabled",
            "cannot be combined with source_prefix or target_prefix");
  }
  bool operator==(const ModelConfig&) const = default;
};

}  // namespace dragoman
