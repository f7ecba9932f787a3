// Finds the tensors in the data.pkl of a TorchScript archive, or of a file of torch.save, without
// running anything: a pickle is a program for a small stack machine, and only the instructions that
// describe modules, containers, numbers and tensors are known here. Anything else is refused.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace dragoman {

/// A tensor as the pickle describes it: a view of a record of the archive. Not checked against it.
struct StoredTensor {
  std::string record;  ///< "0" is data/0
  c10::ScalarType type = c10::ScalarType::Float;
  std::int64_t storage = 0;  ///< elements of the record
  std::int64_t offset = 0;   ///< first element of the tensor
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> strides;
};

/// Dotted name ("encoder.layers.0.weight") to tensor, of a pickled module or dictionary; elements
/// of lists are named by their index. Throws ModelError that begins with `where`.
[[nodiscard]] std::map<std::string, StoredTensor> read_tensor_pickle(std::string_view pickle,
                                                                     const std::string& where);

/// A pickled dictionary: its tensors, and what is plain data in it: texts, numbers, dictionaries
/// with keys of text, lists, and instances of argparse.Namespace, as objects of what they hold.
/// Anything else is null there.
struct PickledData {
  std::map<std::string, StoredTensor> tensors;  ///< as read_tensor_pickle names them
  std::shared_ptr<const nlohmann::json> data;
};
/// Throws ModelError that begins with `where`; also for texts that are no UTF-8.
[[nodiscard]] PickledData read_pickle(std::string_view pickle, const std::string& where);

}  // namespace dragoman
