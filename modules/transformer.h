// The Transformer encoder-decoder: token ids in, hidden states and logits out. One decoder forward
// serves whole targets (training, scoring) and single steps (search).
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

#include "dragoman/modules/copy_head.h"
#include "dragoman/modules/decoder.h"
#include "dragoman/modules/decoder_state.h"
#include "dragoman/modules/embedding.h"
#include "dragoman/modules/encoder.h"
#include "dragoman/modules/masks.h"
#include "dragoman/modules/model_config.h"
#include "dragoman/modules/output_head.h"
#include "dragoman/modules/recurrent_decoder.h"
#include "dragoman/modules/recurrent_encoder.h"

namespace dragoman {

/// What copying each source position yields; only a model with a copy head reads it.
struct CopySource {
  at::Tensor ids;                ///< [B, S] int64: a target word; negative at padding
  std::int64_t extra_words = 0;  ///< words of no vocabulary: ids below target vocabulary + this
};

/// unset: uninitialised memory, for weights that are loaded next.
enum class InitialWeights { random, unset };

class TransformerImpl : public torch::nn::Module {
 public:
  explicit TransformerImpl(const ModelConfig& config,
                           InitialWeights weights = InitialWeights::random);

  /// source [B, S] int64, source_mask [B, S] bool (true: real token; undefined: all real)
  /// -> memory [B, S, D].
  at::Tensor encode(const at::Tensor& source, const at::Tensor& source_mask);

  /// A state before the first target token: cross-attention keys and values are projected here,
  /// once per sentence. `keep_self`: append self-attention keys and values for the next call.
  DecoderState start(const at::Tensor& memory, const at::Tensor& source_mask, bool keep_self,
                     const CopySource& copy = {});

  /// tokens [R, T] int64: the next T >= 1 positions of each row -> hidden [R, T, D]. R is B times
  /// the number of rows per sentence (beams), sentence-major.
  at::Tensor decode(const at::Tensor& tokens, DecoderState& state);

  /// The output head: hidden states to log-probabilities, and the training loss.
  [[nodiscard]] OutputHead& head() { return head_; }
  /// Null unless the configuration has one.
  [[nodiscard]] CopyHead& copy_head() { return copy_head_; }
  [[nodiscard]] const ModelConfig& config() const { return config_; }

  /// Activations are computed in `type` (float32 or bfloat16; also float16 on CUDA); parameters
  /// stay as they are and are cast where they are used.
  void set_compute_type(at::ScalarType type);
  /// Activation checkpointing in training (activation_checkpoint.h). An LSTM has none.
  void set_checkpointing(bool checkpointing);

 private:
  ModelConfig config_;
  Embedding source_embedding_{nullptr};
  Embedding target_embedding_{nullptr};
  // One of each pair is null.
  Encoder encoder_{nullptr};
  RecurrentEncoder recurrent_encoder_{nullptr};
  Decoder decoder_{nullptr};
  RecurrentDecoder recurrent_decoder_{nullptr};
  OutputHead head_{nullptr};
  CopyHead copy_head_{nullptr};
};
TORCH_MODULE(Transformer);

}  // namespace dragoman
