// Models as Marian itself writes them, OPUS-MT among them: a folder with model.npz, the vocabulary
// in YAML, source.spm and target.spm. The network is the one of transformers' MarianMT.
#pragma once

#include <string>

#include "dragoman/inference/models/import/imported_model.h"

namespace dragoman {

/// The .npz file of a folder; empty: it has none. Throws ModelError when it has several.
[[nodiscard]] std::string marian_weights_file(const std::string& folder);

/// Throws ModelError: files missing or damaged, settings that have no counterpart.
[[nodiscard]] ImportedModel import_marian(const std::string& folder);

}  // namespace dragoman
