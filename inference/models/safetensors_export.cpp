#include "dragoman/inference/models/safetensors_export.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/data/file.h"

namespace dragoman {
namespace {

using NamedTensor = std::pair<std::string, at::Tensor>;

const char* safetensors_type(const NamedTensor& named) {
  switch (named.second.scalar_type()) {
    case at::kFloat:
      return "F32";
    case at::kDouble:
      return "F64";
    case at::kHalf:
      return "F16";
    case at::kBFloat16:
      return "BF16";
    case at::kLong:
      return "I64";
    case at::kInt:
      return "I32";
    case at::kShort:
      return "I16";
    case at::kChar:
      return "I8";
    case at::kByte:
      return "U8";
    case at::kBool:
      return "BOOL";
    default:
      throw ModelError(fmt::format("{} has a type that safetensors does not have: {}.", named.first,
                                   c10::toString(named.second.scalar_type())));
  }
}

/// Those of the widest numbers first, so that every tensor begins at a multiple of its numbers'
/// size.
std::vector<NamedTensor> in_file_order(const Archive& model) {
  std::vector<NamedTensor> tensors;
  for (const auto& [name, tensor] : model.tensors)
    tensors.emplace_back(name, tensor.contiguous());
  std::ranges::stable_sort(tensors, std::greater<>(),
                           [](const NamedTensor& named) { return named.second.element_size(); });
  return tensors;
}

std::string header_of(const std::vector<NamedTensor>& tensors) {
  nlohmann::ordered_json header = {{"__metadata__", {{"format", "pt"}}}};
  std::size_t offset = 0;
  for (const NamedTensor& named : tensors) {
    const std::size_t end = offset + named.second.nbytes();
    header[named.first] = {{"dtype", safetensors_type(named)},
                           {"shape", named.second.sizes().vec()},
                           {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

void export_safetensors(const Archive& model, const std::string& folder) {
  const std::vector<NamedTensor> tensors = in_file_order(model);
  const std::string header = header_of(tensors);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    throw SystemError(
        fmt::format("{}: cannot be made: {}. Choose another folder.", folder, error.message()));
  const std::filesystem::path place(folder);
  for (const auto& [name, content] : model.files)
    write_file_atomically((place / name).string(), content);
  AtomicFile file((place / "model.safetensors").string());
  const std::uint64_t size = header.size();  // little endian, as all that the engine runs on
  file.write(&size, sizeof size);
  file.write(header.data(), header.size());
  for (const auto& [name, tensor] : tensors)
    file.write(tensor.const_data_ptr(), tensor.nbytes());
  file.commit();
}

}  // namespace dragoman
