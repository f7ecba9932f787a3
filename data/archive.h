// One file of named tensors and named byte strings: a TorchScript archive (zip) that Python's
// torch.jit.load opens as well. Reading runs no code from the file and bounds every size.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace dragoman {

struct Archive {
  std::map<std::string, at::Tensor> tensors;  ///< "encoder.layers.0.norm.weight" -> CPU tensor
  std::map<std::string, std::string> files;   ///< "config.json" -> bytes
  /// "encoder.layers.0" -> TorchScript source of the methods of that group of tensors; "": of the
  /// whole. They are compiled when the archive is written; reading one leaves them alone.
  std::map<std::string, std::string> methods = {};
};

/// Writes to a temporary name beside `path`, flushes to disk, renames. Tensors that share storage
/// are stored once each name. Throws SystemError (disk full, no permission) and leaves an older
/// file at `path` untouched. Methods that do not compile are a c10::Error.
void save_archive(const Archive& archive, const std::string& path);

/// Also a checkpoint that Python's torch.save wrote (1.6 or newer): its tensors, in dictionaries
/// and lists. Verifies the checksum of every record. Throws ModelError: missing, truncated,
/// foreign, damaged.
[[nodiscard]] Archive load_archive(const std::string& path);

/// What an archive, of any program, is beside its tensors.
struct ArchiveOutline {
  std::map<std::string, std::string> files;  ///< as in Archive
  /// Those of the whole that Python can call, each as "encode(ids: Tensor) -> List[Tensor]". Names
  /// that begin with _ are left out.
  std::vector<std::string> methods;
};

/// Throws ModelError like load_archive. Of the code only its text is read.
[[nodiscard]] ArchiveOutline outline_archive(const std::string& path);

}  // namespace dragoman
