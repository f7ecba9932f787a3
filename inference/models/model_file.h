// What inference reads from a model file: a data/archive.h of parameters by name, with config.json
// (sections "model" and "decoding" are read), source.spm, target.spm (absent when joint) and
// card.json.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dragoman/inference/batch_translator.h"
#include "dragoman/inference/decoding_options.h"
#include "dragoman/modules/model_config.h"

namespace dragoman {

class Transformer;
struct ArchiveOutline;
struct TranslatorOptions;

/// What a scripted model may say of itself: the section "script" of a config.json among its extra
/// files.
struct ScriptConfig {
  std::int64_t max_positions = 0;

  static void fields(auto& self, auto&& visit) {
    visit("max_positions", self.max_positions, "most tokens of a source or a target; 0: no limit",
          0, 1048576);
  }
  void check(auto&&) const {}
};

struct ModelFile {
  std::string path;
  ModelConfig model;
  DecodingOptions decoding;
  PairEncoder encoder;
  bool is_joint = false;                      ///< one tokeniser for both sides
  std::map<std::string, at::Tensor> weights;  ///< float, however they are stored
  Precision precision = Precision::fp32;      ///< how matrices are stored
  ScriptConfig script = {};                   ///< of a scripted model
  std::string config;                         ///< config.json as stored
  std::string card;                           ///< card.json as stored; may be empty
  /// Keys of the configuration that this version does not know, each in a sentence.
  std::vector<std::string> warnings;
};

/// Throws ModelError: missing, truncated, foreign or damaged file; no configuration, or one with
/// values that this version cannot use; tokenisers that do not fit the vocabularies.
[[nodiscard]] ModelFile load_model_file(const std::string& path);

/// Whether the archive is a scripted model of another program: it has methods, and not ours.
[[nodiscard]] bool is_scripted(const ArchiveOutline& outline);

/// What is beside the code of a scripted model: tokenisers, decoding defaults. `model` and
/// `weights` are empty. Throws UsageError unless the options allow scripts, and when there is no
/// tokeniser.
[[nodiscard]] ModelFile load_scripted_file(const std::string& path, const ArchiveOutline& outline,
                                           const TranslatorOptions& options);

/// The network with the file's weights, in evaluation mode, on the CPU. Throws one ModelError that
/// lists every parameter that is missing, unknown or of another shape.
[[nodiscard]] Transformer build_transformer(const ModelFile& file);

/// Throws what build_transformer throws.
void check_weights(const ModelFile& file);

}  // namespace dragoman
