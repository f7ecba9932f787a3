// Reads files of the safetensors format: a header in JSON, then the numbers of all tensors. Trusts
// nothing: sizes, offsets and types are checked before use, and no more memory is taken than the
// file is long.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace dragoman {

/// Name -> CPU tensor. Throws ModelError: missing, truncated or damaged file, a header above 100
/// MB, names given twice, unknown types, shapes that do not fit their bytes, bytes that belong to
/// two tensors or to none.
[[nodiscard]] std::map<std::string, at::Tensor> load_safetensors(const std::string& path);

}  // namespace dragoman
