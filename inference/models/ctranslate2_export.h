// A model in the format of CTranslate2 (4.x, binary version 6, TransformerSpec revision 7), for
// those who serve with it and to compare engines on the same weights.
#pragma once

#include <string>

namespace dragoman {

struct ModelFile;

/// Writes model.bin, config.json, the vocabularies and the tokenisers (source.spm, target.spm) into
/// `folder`, which is made. Throws UsageError for what the format does not have (a copy head), and
/// ModelError for a file that lacks parameters.
void export_ctranslate2(const ModelFile& file, const std::string& folder);

}  // namespace dragoman
