// Checkpoints of fairseq (architectures `transformer*`) as ours. Its words stand in files beside
// the checkpoint, dict.SOURCE.txt and dict.TARGET.txt.
#pragma once

#include <string>

#include "dragoman/inference/models/import/imported_model.h"

namespace dragoman {

struct TorchCheckpoint;

/// Whether a checkpoint has the parts that fairseq writes.
[[nodiscard]] bool is_fairseq(const TorchCheckpoint& checkpoint);

/// `path` names the file in errors, and the folder of the dictionaries. Throws ModelError: settings
/// that have no counterpart, no dictionaries, and what import_hugging_face says.
[[nodiscard]] ImportedModel import_fairseq(const std::string& path, TorchCheckpoint checkpoint,
                                           const ImportOptions& options);

}  // namespace dragoman
