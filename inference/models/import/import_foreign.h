// A model of another program, whichever: a folder of Hugging Face's transformers, or a checkpoint.
#pragma once

#include <string>

#include "dragoman/inference/models/import/imported_model.h"

namespace dragoman {

/// Throws ModelError when `path` is neither, or as the readers of the families say; UsageError for
/// options that do not go with the model.
[[nodiscard]] ImportedModel import_foreign(const std::string& path, const ImportOptions& options);

}  // namespace dragoman
