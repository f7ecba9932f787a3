// Memory that one batch computes in. It is kept for the next batch, so that a service that runs for
// long allocates nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dragoman/inference/engine/packed_matrix.h"

namespace dragoman::engine {

/// Hands out floats until it is cleared; what it has handed out never moves.
class Arena {
 public:
  [[nodiscard]] float* floats(std::int64_t count);
  /// Everything that was handed out becomes invalid; the memory stays.
  void clear();

 private:
  struct Chunk {
    std::unique_ptr<float[]> memory;
    std::int64_t size;
  };
  std::vector<Chunk> chunks_;
  std::size_t chunk_ = 0;  ///< the one in use
  std::int64_t used_ = 0;  ///< of it
};

/// Lends memory that comes back one by one.
class Pool {
 public:
  [[nodiscard]] float* lend(std::int64_t count);
  void give_back(const float* memory);
  void take_all_back();

 private:
  struct Piece {
    std::unique_ptr<float[]> memory;
    std::int64_t size;
    bool is_lent;
  };
  std::vector<Piece> pieces_;
};

/// A buffer that only grows.
class Buffer {
 public:
  [[nodiscard]] float* floats(std::int64_t count);

 private:
  std::unique_ptr<float[]> memory_;
  std::int64_t size_ = 0;
};

struct Workspace {
  /// `threads`: that share the products of the batch.
  explicit Workspace(std::int64_t threads = 1) : scratch(threads) {}

  Arena arena;                     ///< what lives as long as the batch
  Pool past;                       ///< keys and values of the decoder's positions
  Scratch scratch;                 ///< of one product
  Buffer rows;                     ///< [rows, D] hidden states
  Buffer normed;                   ///< [rows, D]
  Buffer attended;                 ///< [rows, D]
  Buffer queries;                  ///< [rows, 3 D]
  Buffer inner;                    ///< of a feed-forward block
  Buffer weights;                  ///< of one attention
  Buffer logits;                   ///< [rows, V]
  std::vector<const float*> keys;  ///< of one attention
};

}  // namespace dragoman::engine
