// The weights of a Transformer as the CPU engine computes with them. No LibTorch.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dragoman/inference/engine/packed_matrix.h"
#include "dragoman/modules/model_config.h"

namespace dragoman::engine {

/// A parameter in memory, rows one after the other.
struct WeightView {
  const float* data;
  std::vector<std::int64_t> shape;
};

struct Linear {
  PackedMatrix matrix;
  std::vector<float> bias;  ///< empty: none

  void operator()(const float* x, std::int64_t rows, float* out, Scratch& scratch,
                  Activation activation = Activation::none) const;
  /// out += x W^T + b.
  void add_to(const float* x, std::int64_t rows, float* out, Scratch& scratch) const;
  /// That of the `chosen` outputs.
  [[nodiscard]] Linear select(std::span<const std::int64_t> chosen) const;
};

struct Norm {
  std::vector<float> weight;
  std::vector<float> bias;
  float epsilon = 1e-5f;

  /// x [rows, dim] -> out [rows, dim].
  void operator()(const float* x, std::int64_t rows, float* out) const;
};

struct Embedding {
  std::vector<float> table;      ///< [V, D]
  std::vector<float> positions;  ///< [P, D]; sinusoids go on past it
  PositionKind kind = PositionKind::sinusoidal;
  std::int64_t dim = 0;
  float scale = 1.0f;
  std::int64_t vocabulary = 0;
};

/// out [dim] += the sinusoid of a position (Vaswani et al. 2017, 3.5), of kind sinusoidal or
/// sinusoidal_split.
void add_sinusoid(PositionKind kind, std::int64_t position, std::int64_t dim, float* out);
[[nodiscard]] bool is_sinusoidal(PositionKind kind);

struct FeedForward {
  Linear inner;
  Linear outer;
  Norm norm;
};

struct EncoderLayer {
  Linear query_key_value;  ///< D -> 3 D: queries, keys, values
  Linear attention_output;
  Norm attention_norm;
  FeedForward feed_forward;
};

struct DecoderLayer {
  Linear query_key_value;
  Linear self_output;
  Norm self_norm;
  Linear cross_query;
  Linear cross_key_value;  ///< encoder D -> 2 D: keys, values
  Linear cross_output;
  Norm cross_norm;
  FeedForward feed_forward;
};

/// See modules/copy_head.h.
struct Pointer {
  CopyHeadConfig config;
  std::int64_t layer = 0;       ///< attention_head: counted from 0
  std::optional<Linear> query;  ///< of a dedicated pointer
  std::optional<Linear> key;
  std::int64_t key_dim = 0;
  std::vector<float> gate;  ///< [D + key_dim]
  float gate_bias = 0.0f;
  float coverage = 0.0f;
  std::vector<float> follow;       ///< empty: off
  std::vector<float> follow_gate;  ///< as long
};

struct Network {
  ModelConfig config;
  Embedding source;
  std::optional<Embedding> own_target;  ///< none: one matrix for both sides
  std::vector<EncoderLayer> encoder;
  std::optional<Norm> encoder_norm;  ///< pre-norm only
  std::vector<DecoderLayer> decoder;
  std::optional<Norm> decoder_norm;
  Linear output;  ///< D -> V
  std::optional<Pointer> pointer;

  [[nodiscard]] const Embedding& target() const { return own_target ? *own_target : source; }
  [[nodiscard]] Activation activation() const;
};

/// Throws std::out_of_range for a name that `weights` lacks; the shapes must have been checked.
/// Names are those of TransformerImpl::named_parameters().
[[nodiscard]] Network build_network(const ModelConfig& config,
                                    const std::map<std::string, WeightView>& weights,
                                    WeightType type);

}  // namespace dragoman::engine
