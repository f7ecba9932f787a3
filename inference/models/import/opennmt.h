// Checkpoints of OpenNMT-py 3 (Transformers, with and without copy_attn) as ours. Its copy
// generator is our copy head with the first head of the last decoder layer as pointer:
//
//   p(w) = (1 - c) softmax(W h + b)_w + c * sum of a_i over positions i with the word w
//   c = sigmoid(v h + d), the padding word excluded from the softmax
//
//   const ImportedModel model = import_opennmt("model_step_10000.pt", {});
#pragma once

#include <string>

#include "dragoman/inference/models/import/imported_model.h"

namespace dragoman {

struct TorchCheckpoint;

/// Whether a checkpoint has the parts that OpenNMT-py writes.
[[nodiscard]] bool is_opennmt(const TorchCheckpoint& checkpoint);

/// `path` names the file in errors. Throws ModelError: settings that have no counterpart, and what
/// import_hugging_face says.
[[nodiscard]] ImportedModel import_opennmt(const std::string& path, TorchCheckpoint checkpoint,
                                           const ImportOptions& options);

}  // namespace dragoman
