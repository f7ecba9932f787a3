#include "dragoman/inference/engine/workspace.h"

#include <algorithm>

namespace dragoman::engine {
namespace {

constexpr std::int64_t kChunk = std::int64_t{1} << 20;  // 4 MiB

}  // namespace

float* Arena::floats(std::int64_t count) {
  while (chunk_ < chunks_.size() && chunks_[chunk_].size - used_ < count) {
    ++chunk_;
    used_ = 0;
  }
  if (chunk_ == chunks_.size()) {
    const std::int64_t size = std::max(kChunk, count);
    chunks_.push_back(
        {std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(size)), size});
  }
  float* result = chunks_[chunk_].memory.get() + used_;
  used_ += count;
  return result;
}

void Arena::clear() {
  chunk_ = 0;
  used_ = 0;
}

float* Buffer::floats(std::int64_t count) {
  if (size_ < count) {
    memory_ = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(count));
    size_ = count;
  }
  return memory_.get();
}

}  // namespace dragoman::engine
