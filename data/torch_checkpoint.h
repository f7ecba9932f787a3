// Files of Python's torch.save whole: tensors, and the plain data beside them. Nothing of a file
// runs.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace dragoman {

struct TorchCheckpoint {
  std::map<std::string, at::Tensor> tensors;   ///< names of dictionaries, joined by dots
  std::shared_ptr<const nlohmann::json> data;  ///< what is no tensor, as PickledData says
};

/// `without`: a name of the outermost dictionary whose tensors are not read, as an optimiser's.
/// Throws ModelError like load_archive.
[[nodiscard]] TorchCheckpoint load_torch_checkpoint(const std::string& path,
                                                    const std::string& without);

}  // namespace dragoman
