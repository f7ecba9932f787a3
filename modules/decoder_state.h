// What a decoder remembers between steps. Rows of the memory part are sentences (B), rows of the
// self part are hypotheses (R = B x beam, sentence-major): memory is never repeated per beam.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace dragoman {

struct DecoderState {
  struct Layer {
    at::Tensor cross_keys;    ///< [B, H, S, K]
    at::Tensor cross_values;  ///< [B, H, S, K]
    at::Tensor self_keys;     ///< [R, H, T, K]; undefined before the first step
    at::Tensor self_values;   ///< [R, H, T, K]
  };
  std::vector<Layer> layers;
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
