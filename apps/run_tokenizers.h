// The tokenisers of a run: given ones are loaded, the others trained.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/run_config.h"
#include "dragoman/data/corpus_sample.h"
#include "dragoman/data/log.h"
#include "dragoman/data/pair_encoder.h"
#include "dragoman/data/tokenizer.h"

namespace dragoman {

struct Tokenizers {
  Tokenizer source;
  Tokenizer target;
};

/// Puts data.folder before the corpora's paths, and empties it.
void resolve_paths(DataConfig& data);

/// A joint tokeniser is one object, stored once as source.spm: `target_path` is empty then. Throws
/// DataError.
[[nodiscard]] Tokenizers load_tokenizers(const std::string& source_path,
                                         const std::string& target_path);

/// As section "tokenizer" says; `lines` gives the text of a side to train on. Throws UsageError,
/// DataError.
[[nodiscard]] Tokenizers make_tokenizers(const RunConfig& config,
                                         const std::function<std::vector<std::string>(Side)>& lines,
                                         Log& log);

/// Sets the model's vocabulary sizes. Throws UsageError when it names others.
void fill_vocabularies(RunConfig& config, const Tokenizers& tokenizers);

/// With the sampling of section "tokenizer", which training alone draws. Throws UsageError.
[[nodiscard]] PairEncoder make_encoder(const RunConfig& config, const Tokenizers& tokenizers);

}  // namespace dragoman
