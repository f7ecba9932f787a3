// Tokenisers of the families as SentencePiece models whose pieces stand in the order of the model's
// matrices: with the numbers that the family gives to them, its special pieces and language tags.
// Internal to hugging_face.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dragoman/inference/models/import/foreign_folder.h"
#include "dragoman/inference/models/import/hugging_face.h"

namespace dragoman {

struct ImportedTokenizers {
  std::string source;  ///< the content of a .model file
  std::string target;  ///< empty: one for both sides
  std::vector<std::string> source_prefix;
  std::vector<std::string> target_prefix;
  std::vector<std::string> notes;
};

/// Sizes are those of the model's matrices. Throws ModelError.
[[nodiscard]] ImportedTokenizers marian_tokenizers(const ForeignFolder& folder,
                                                   const ModelConfig& config);
[[nodiscard]] ImportedTokenizers t5_tokenizers(const ForeignFolder& folder,
                                               const ModelConfig& config);
[[nodiscard]] ImportedTokenizers pegasus_tokenizers(const ForeignFolder& folder,
                                                    const ModelConfig& config);
/// sentencepiece.bpe.model as fairseq numbers it, or with a vocab.json of its own; with language
/// tags unless the family is bart. Throws UsageError when a language is missing or not known.
[[nodiscard]] ImportedTokenizers fairseq_tokenizers(const ForeignFolder& folder,
                                                    const ModelConfig& config,
                                                    const std::string& family,
                                                    const ImportOptions& options);

}  // namespace dragoman
