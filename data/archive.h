// One file of named tensors and named byte strings: a TorchScript archive (zip) that Python's
// torch.jit.load opens as well. Reading runs no code from the file and bounds every size.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

namespace dragoman {

struct Archive {
  std::map<std::string, at::Tensor> tensors;  ///< "encoder.layers.0.norm.weight" -> CPU tensor
  std::map<std::string, std::string> files;   ///< "config.json" -> bytes
};

/// Writes to a temporary name beside `path`, flushes to disk, renames. Tensors that share storage
/// are stored once each name. Throws SystemError (disk full, no permission) and leaves an older
/// file at `path` untouched.
void save_archive(const Archive& archive, const std::string& path);

/// Verifies the checksum of every record. Throws ModelError: missing, truncated, foreign, damaged.
[[nodiscard]] Archive load_archive(const std::string& path);

}  // namespace dragoman
