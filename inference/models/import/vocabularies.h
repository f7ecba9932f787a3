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

/// MarianMT: each side has a SentencePiece model, and a list of words in the order of its matrix.
struct MarianVocabularies {
  std::string source_model;  ///< the content of a .model file
  std::string target_model;
  std::vector<std::string> source_words;
  std::vector<std::string> target_words;
  std::string begin;   ///< the word that decoding starts from
  std::string origin;  ///< the folder with source.spm and target.spm
};
/// Sizes are those of the model's matrices. Throws ModelError.
[[nodiscard]] ImportedTokenizers marian_tokenizers(const MarianVocabularies& given,
                                                   const ModelConfig& config);
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
