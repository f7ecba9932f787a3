// Starts a model from the weights of another: by name where the shapes agree, and by piece where
// the vocabularies differ, so that a trained model can be given more words, a copy head or layers.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dragoman/data/log.h"
#include "dragoman/data/tokenizer.h"
#include "dragoman/modules/transformer.h"

namespace dragoman {

/// A trained model: float weights by name, what its vocabulary matrices are, and their pieces.
struct Pretrained {
  std::map<std::string, at::Tensor> weights;
  TiedEmbeddings tied = TiedEmbeddings::none;
  Tokenizer source;
  Tokenizer target;
};

struct WarmStartReport {
  std::vector<std::string> taken;      ///< parameters of the new model
  std::vector<std::string> by_piece;   ///< taken row by row: the vocabularies differ
  std::vector<std::string> random;     ///< nothing in the old model has their name
  std::vector<std::string> misshapen;  ///< random as well: name, old and new shape in a sentence
  std::vector<std::string> unused;     ///< parameters of the old model
  std::int64_t pieces_known = 0;       ///< rows of the pieces that both vocabularies have
  std::int64_t pieces_composed = 0;    ///< rows that are means of the old pieces they are made of
  std::int64_t pieces_new = 0;         ///< rows left as they were: no old piece is in them
};

/// Copies into `model` what fits of `old`. `source` and `target` are the new model's tokenisers.
WarmStartReport warm_start(Transformer& model, const Pretrained& old, const Tokenizer& source,
                           const Tokenizer& target);

/// Says what was taken and what was not; `path` is where the old model came from. Throws
/// UsageError when nothing was taken.
void log_warm_start(const WarmStartReport& report, const std::string& path, Log& log);

}  // namespace dragoman
