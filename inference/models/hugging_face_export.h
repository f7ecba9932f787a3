// A model as a folder of Hugging Face's transformers: MarianMT when it normalises after each layer,
// Pegasus when it does so before.
#pragma once

#include <string>

#include "dragoman/data/archive.h"

namespace dragoman {

struct ModelFile;

/// config.json, generation_config.json, the tokenisers and the tensors under their names, for
/// export_safetensors(). Sinusoids that alternate become a row of sines and one of cosines, as
/// transformers has them: the model's dimensions are put into that order everywhere. Throws
/// UsageError for what these networks do not have, and ModelError for a file that lacks parameters.
[[nodiscard]] Archive to_hugging_face(const ModelFile& file);

}  // namespace dragoman
