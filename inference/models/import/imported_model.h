// A model of another program, read: what all families of `dragoman import` end in.
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
  std::string family = "auto";  ///< auto: as the folder or file says
  /// Of models of many languages: their tags, as fra_Latn. Empty: as the folder says.
  std::string source_language = "";
  std::string target_language = "";
  /// SentencePiece models whose pieces are the words of a model that comes without them.
  std::string source_tokenizer = "";
  std::string target_tokenizer = "";
  /// Weights alone: the file of the map of names, and of the configuration (name_map.h).
  std::string names = "";
  std::string config = "";
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

/// Throws ModelError when the sizes of `config` are beyond what `weights` hold: before anything of
/// those sizes is made. `origin` names the file or folder, `settings` where its sizes stand.
void check_sizes(const ModelConfig& config, const std::map<std::string, at::Tensor>& weights,
                 const std::string& origin, const std::string& settings);

/// Checks a model as a whole. Throws ModelError that lists every weight of another shape.
void check_import(const ImportedModel& model, const std::string& origin,
                  const std::string& settings);

/// What a model file holds.
[[nodiscard]] Archive to_archive(const ImportedModel& model);

}  // namespace dragoman
