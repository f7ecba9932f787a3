#include "dragoman/inference/engine/workspace.h"

#include <algorithm>
#include <bit>

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

float* Pool::lend(std::int64_t count) {
  // The smallest that is free and large enough; else the largest that is free becomes large enough.
  Piece* best = nullptr;
  for (Piece& piece : pieces_) {
    if (piece.is_lent) continue;
    const bool is_better =
        best == nullptr || (best->size < count ? piece.size > best->size
                                               : piece.size >= count && piece.size < best->size);
    if (is_better) best = &piece;
  }
  if (best == nullptr) best = &pieces_.emplace_back();
  if (best->size < count) {
    // Few different sizes, so that soon every one is there; what is not written to costs nothing.
    best->memory.reset();
    best->size = static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(count)));
    best->memory = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(best->size));
  }
  best->is_lent = true;
  return best->memory.get();
}

void Pool::give_back(const float* memory) {
  std::ranges::find_if(pieces_, [memory](const Piece& piece) {
    return piece.memory.get() == memory;
  })->is_lent = false;
}

void Pool::take_all_back() {
  for (Piece& piece : pieces_)
    piece.is_lent = false;
}

float* Buffer::floats(std::int64_t count) {
  if (size_ < count) {
    memory_ = std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(count));
    size_ = count;
  }
  return memory_.get();
}

}  // namespace dragoman::engine
