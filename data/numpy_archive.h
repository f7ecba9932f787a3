// Reads files of NumPy's savez: a zip of arrays. Trusts nothing: sizes and types are checked before
// use, and no more memory is taken than the arrays have bytes.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace dragoman {

/// Name (without ".npy") -> CPU tensor. Throws ModelError: missing or damaged file, columns before
/// rows, types other than numbers, big-endian ones, shapes that do not fit their bytes.
[[nodiscard]] std::map<std::string, at::Tensor> load_npz(const std::string& path);

}  // namespace dragoman
