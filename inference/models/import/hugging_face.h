// Models of Hugging Face's transformers as ours: MarianMT (OPUS-MT), BART, mBART, Pegasus, M2M-100
// (NLLB), T5 (mT5, flan-T5). Words keep their numbers and matrices their rows, so every weight is
// the same number as there.
//
//   const ImportedModel model = import_hugging_face("opus-mt-en-de", {});
//   save_archive(to_archive(model), "en-de.pt");
#pragma once

#include <string>

#include "dragoman/inference/models/import/imported_model.h"

namespace dragoman {

/// Throws ModelError: files missing or damaged, a family that is not known, tensors missing or too
/// many, of other shapes or not finite, a tokeniser that does not fit. UsageError: languages.
[[nodiscard]] ImportedModel import_hugging_face(const std::string& folder,
                                                const ImportOptions& options);

}  // namespace dragoman
