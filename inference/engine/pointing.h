// The copy head of the CPU engine: where each hypothesis points, and whether it copies. The
// reference, with the formulas, is modules/copy_head.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dragoman/inference/engine/decoding.h"

namespace dragoman::engine {

/// Of n = R * count positions.
struct Pointed {
  std::vector<float> log_weights;   ///< [n, longest source]; only a sentence's own positions count
  std::vector<float> log_generate;  ///< [n]
  std::vector<float> log_copy;      ///< [n]
};

class Pointing {
 public:
  /// Projects the pointer's keys. The network has a pointer.
  explicit Pointing(Decoding& decoding);

  /// hidden [R, count, D]: what decoding.step(tokens, count) has just returned; `tokens` with the
  /// sentence's own ids of words that are in no vocabulary. To be called after each step. Valid
  /// until the next call.
  const Pointed& point(Decoding& decoding, const float* hidden,
                       std::span<const std::int64_t> tokens, std::int64_t count);

  /// What point() has returned last.
  [[nodiscard]] const Pointed& last() const { return pointed_; }

  /// As in Decoding, and together with it.
  void reorder(std::span<const std::int64_t> rows);

 private:
  void point_row(Decoding& decoding, const float* hidden, const float* query, std::int64_t row,
                 std::int64_t token, std::int64_t place);
  void look_back(std::int64_t row, std::span<float> scores);
  /// What stands where the last words were said gains; returns the longest run of such words.
  std::int64_t follow(std::span<const std::int64_t> copy_ids, std::int64_t row, std::int64_t token,
                      std::span<float> scores);

  const Pointer& pointer_;
  const float* keys_ = nullptr;  ///< row of source position i: keys_ + i * key_stride_
  std::int64_t key_stride_ = 0;
  std::int64_t longest_;
  std::vector<const float*> rows_;  ///< keys of one sentence
  std::vector<float> context_;      ///< [key_dim]
  std::vector<float> first_look_;   ///< [longest]
  std::vector<float> seen_;         ///< [R, longest], for coverage
  /// [R, longest]: so many words right before a position are the last words that were said.
  std::vector<std::int32_t> runs_;
  Pointed pointed_;
};

}  // namespace dragoman::engine
