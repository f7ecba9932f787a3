// Models of Hugging Face's transformers as ours: MarianMT (OPUS-MT), BART, mBART, Pegasus, M2M-100
// (NLLB), T5 (mT5, flan-T5). Words keep their numbers and matrices their rows, so every weight is
// the same number as there.
//
//   const ImportedModel model = import_hugging_face("opus-mt-en-de", {});
//   save_archive(to_archive(model), "en-de.pt");
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "dragoman/data/archive.h"
#include "dragoman/inference/decoding_options.h"
#include "dragoman/inference/models/import/weight_map.h"
#include "dragoman/modules/model_config.h"

namespace dragoman {

struct ImportOptions {
  std::string family = "auto";  ///< a model_type of transformers; auto: as config.json says
  /// Of models of many languages: their tags, as fra_Latn. Empty: as the folder says.
  std::string source_language = "";
  std::string target_language = "";
};

struct ImportedModel {
  ModelConfig model;
  DecodingOptions decoding;  ///< what `generate` would do
  std::map<std::string, at::Tensor> weights;
  std::string source_tokenizer;  ///< the content of a .model file
  std::string target_tokenizer;  ///< empty: one for both sides
  std::string card;              ///< JSON
  ImportReport report;
};

/// Throws ModelError: files missing or damaged, a family that is not known, tensors missing or too
/// many, of other shapes or not finite, a tokeniser that does not fit. UsageError: languages.
[[nodiscard]] ImportedModel import_hugging_face(const std::string& folder,
                                                const ImportOptions& options);

/// What a model file holds.
[[nodiscard]] Archive to_archive(const ImportedModel& model);

}  // namespace dragoman
