// What a decoder remembers between steps. Rows of the memory part are sentences (B), rows of the
// self part are hypotheses (R = B x beam, sentence-major): memory is never repeated per beam.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace dragoman {

/// What an LSTM layer remembers: both [R, D]; undefined: zeros.
struct LstmMemory {
  at::Tensor hidden;
  at::Tensor cell;
};

struct DecoderState {
  struct Layer {
    at::Tensor cross_keys;     ///< [B, H, S, K]
    at::Tensor cross_values;   ///< [B, H, S, K]
    at::Tensor self_keys;      ///< [R, H, T, K]; undefined before the first step
    at::Tensor self_values;    ///< [R, H, T, K]
    bool keep_scores = false;  ///< leave cross_scores behind
    at::Tensor cross_scores;   ///< [B, H, R / B * T, S] of the last call, before the softmax
    LstmMemory recurrent;      ///< [B, D] before the first step, then [R, D]
  };
  /// What a copy head needs; empty without one.
  struct Copying {
    at::Tensor ids;                ///< [B, S] int64: the word that copying each position yields
    std::int64_t extra_words = 0;  ///< ids from the vocabulary's size on that may occur
    at::Tensor keys;               ///< [B, S, P] of the dedicated pointer
    at::Tensor seen;  ///< [R, S] sums of earlier weights, for coverage; undefined before the first
    at::Tensor followed;  ///< [R, n, S] bool: see CopyHead; undefined before the first
  };
  std::vector<Layer> layers;
  Copying copying;
  at::Tensor memory_mask;   ///< [B, S] bool, true = may attend; undefined: all
  std::int64_t length = 0;  ///< target positions consumed so far
  bool keep_self = true;    ///< append keys and values for later steps

  /// rows [R'] int64: new row r continues old row rows[r]. Touches the self part only, so every
  /// sentence must keep its place; the number of rows per sentence may change (1 -> beam).
  void reorder(const at::Tensor& rows);
  /// sentences [B'] int64: the sentences that stay, in this order. Touches the memory part only.
  void keep_sentences(const at::Tensor& sentences);
};

}  // namespace dragoman
