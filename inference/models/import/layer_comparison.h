// A model's activations beside those that another program computed: where the two part.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "dragoman/inference/models/import/imported_model.h"

namespace dragoman {

struct LayerDifference {
  std::string name;        ///< "encoder.layers.0"
  double greatest = 0.0;   ///< absolute, at real positions
  double magnitude = 0.0;  ///< greatest absolute value of the reference there
  bool differs = false;    ///< by more than 1e-4 of the magnitude, or of 1
};

/// `reference` holds one batch: "source" [B, S] and "target" [B, T] int64, what encoder and decoder
/// read; "source_lengths" [B] int64 unless all are as long; and float tensors under any of these
/// names: source_embedding, encoder.layers.0 ..., encoder, target_embedding, decoder.layers.0 ...,
/// decoder, logits. Embeddings are what the first layer reads, a layer is its output, encoder and
/// decoder are what comes behind the last norm. In the order in which they are computed. Throws
/// ModelError for a reference that lacks the batch, has other names or shapes, or ids beyond the
/// vocabulary; `origin` names it.
[[nodiscard]] std::vector<LayerDifference> compare_layers(
    const ImportedModel& model, const std::map<std::string, at::Tensor>& reference,
    const std::string& origin);

}  // namespace dragoman
