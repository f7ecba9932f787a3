#include "dragoman/inference/models/ragged_sources.h"

#include <ATen/ATen.h>

#include <unordered_map>

namespace dragoman {

engine::Sources ragged_sources(const SourceBatch& source, bool copies) {
  const at::Tensor ids = source.ids.contiguous();
  const at::Tensor lengths = source.lengths.contiguous();
  const at::Tensor copy_ids = copies ? source.copy_ids.contiguous() : at::Tensor();
  engine::Sources result;
  result.begins.push_back(0);
  for (std::int64_t row = 0; row < ids.size(0); ++row) {
    const std::int64_t length = lengths.const_data_ptr<std::int64_t>()[row];
    const std::int64_t* id = ids.const_data_ptr<std::int64_t>() + row * ids.size(1);
    result.ids.insert(result.ids.end(), id, id + length);
    if (copies) {
      const std::int64_t* copy = copy_ids.const_data_ptr<std::int64_t>() + row * ids.size(1);
      result.copy_ids.insert(result.copy_ids.end(), copy, copy + length);
    }
    result.begins.push_back(std::ssize(result.ids));
  }
  return result;
}

std::vector<std::int32_t> first_positions(const engine::Sources& sources) {
  std::vector<std::int32_t> first;
  std::unordered_map<std::int64_t, std::int32_t> seen;
  for (std::size_t sentence = 0; sentence + 1 < sources.begins.size(); ++sentence) {
    seen.clear();
    for (std::int64_t row = sources.begins[sentence]; row < sources.begins[sentence + 1]; ++row) {
      const auto position = static_cast<std::int32_t>(row - sources.begins[sentence]);
      first.push_back(seen.try_emplace(sources.copy_ids[static_cast<std::size_t>(row)], position)
                          .first->second);
    }
  }
  return first;
}

}  // namespace dragoman
