// The parameters of a model in the format of safetensors (huggingface/safetensors): a header in
// JSON, then the bytes of each tensor.
#pragma once

#include <string>

#include "dragoman/data/archive.h"

namespace dragoman {

/// Writes model.safetensors, as the tensors are stored, and the archive's extra files (config.json,
/// tokenisers, card) into `folder`, which is made. Throws SystemError.
void export_safetensors(const Archive& model, const std::string& folder);

}  // namespace dragoman
