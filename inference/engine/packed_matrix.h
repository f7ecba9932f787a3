// A weight matrix made ready for many products: float as it is, or in fewer bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dragoman/inference/engine/crew.h"

namespace dragoman::engine {

/// How weights are kept. Everything else is float, whatever the weights are.
enum class WeightType { fp32, bf16, int8 };

enum class Activation { none, relu, gelu, silu };

/// What happens to x W^T before it is written.
struct Epilogue {
  const float* bias = nullptr;  ///< [outputs] or null
  Activation activation = Activation::none;
  bool accumulate = false;  ///< add to what is there: the residual connection; not with activation
};

/// What a batch's products are computed with: memory, which grows to what was needed once and
/// stays, and the threads that share them.
class Scratch {
 public:
  explicit Scratch(std::int64_t threads = 1);

  /// Null: the caller's thread alone.
  [[nodiscard]] Crew* crew() { return crew_.get(); }
  [[nodiscard]] float* floats(std::int64_t count);
  [[nodiscard]] std::byte* bytes(std::int64_t count);

 private:
  std::vector<float> floats_;
  std::vector<float> bytes_;  ///< floats, for their alignment
  std::unique_ptr<Crew> crew_;
};

class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// weight [outputs, inputs], rows one after the other; it is not needed afterwards. bf16 and int8
  /// want finite numbers and an even number of inputs; else the matrix stays fp32.
  PackedMatrix(const float* weight, std::int64_t outputs, std::int64_t inputs, WeightType type);

  /// x [rows, inputs] -> out [rows, outputs]. A row of the result depends on its row of x alone,
  /// bit by bit, whatever the number of threads.
  void multiply(const float* x, std::int64_t rows, const Epilogue& epilogue, float* out,
                Scratch& scratch) const;

  /// That of the `chosen` outputs, number for number.
  [[nodiscard]] PackedMatrix select(std::span<const std::int64_t> chosen) const;

  [[nodiscard]] std::int64_t inputs() const { return inputs_; }
  [[nodiscard]] std::int64_t outputs() const { return outputs_; }
  [[nodiscard]] WeightType type() const { return type_; }
  /// In memory.
  [[nodiscard]] std::int64_t bytes() const { return bytes_; }

 private:
  /// Outputs [begin, end) of at most kNarrowRows rows; `scratch`: of the calling thread.
  void multiply_part(const float* x, std::int64_t rows, const Epilogue& epilogue, float* out,
                     std::int64_t begin, std::int64_t end, std::byte* scratch) const;
  [[nodiscard]] std::int64_t tile_columns() const;

  /// Memory for a matrix of these sizes.
  PackedMatrix(std::int64_t outputs, std::int64_t inputs, WeightType type);

  struct Free {
    void operator()(void* memory) const;
  };
  WeightType type_ = WeightType::fp32;
  std::int64_t outputs_ = 0;
  std::int64_t inputs_ = 0;
  std::int64_t bytes_ = 0;
  std::unique_ptr<void, Free> packed_;
  std::vector<float> scales_;  ///< int8: of each output
};

}  // namespace dragoman::engine
