#include "dragoman/inference/engine/packed_matrix.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <new>

#include "dragoman/inference/kernels/narrow_product.h"
#include "dragoman/inference/kernels/rows.h"
#include "dragoman/modules/kernels/matrix_product.h"

namespace dragoman::engine {
namespace {

constexpr std::size_t kAlignment = 64;
/// Multiplications that take longer than the meeting of two threads.
constexpr std::int64_t kWorthSharing = 100000;

void activate(Activation activation, float* x, std::int64_t count) {
  switch (activation) {
    case Activation::none:
      return;
    case Activation::relu:
      return relu_in_place(x, count);
    case Activation::gelu:
      return gelu_in_place(x, count);
    case Activation::silu:
      return silu_in_place(x, count);
  }
}

bool fits_fewer_bits(const float* weight, std::int64_t outputs, std::int64_t inputs) {
  return inputs % 2 == 0 && std::all_of(weight, weight + outputs * inputs,
                                        [](float value) { return std::isfinite(value); });
}

}  // namespace

Scratch::Scratch(std::int64_t threads)
    : crew_(threads > 1 ? std::make_unique<Crew>(threads) : nullptr) {}

float* Scratch::floats(std::int64_t count) {
  if (std::ssize(floats_) < count) floats_.resize(static_cast<std::size_t>(count));
  return floats_.data();
}

std::byte* Scratch::bytes(std::int64_t count) {
  const auto needed = static_cast<std::size_t>(count) / sizeof(float) + 1;
  if (bytes_.size() < needed) bytes_.resize(needed);
  return reinterpret_cast<std::byte*>(bytes_.data());
}

void PackedMatrix::Free::operator()(void* memory) const {
  std::free(memory);
}

PackedMatrix::PackedMatrix(std::int64_t outputs, std::int64_t inputs, WeightType type)
    : type_(type), outputs_(outputs), inputs_(inputs) {
  switch (type_) {
    case WeightType::fp32:
      bytes_ = kernels::packed_size(inputs, outputs) * static_cast<std::int64_t>(sizeof(float));
      break;
    case WeightType::bf16:
      bytes_ = packed_bfloat16_size(inputs, outputs);
      break;
    case WeightType::int8:
      bytes_ = packed_int8_size(inputs, outputs);
      scales_.resize(static_cast<std::size_t>(packed_columns(outputs)));
      break;
  }
  const std::size_t size =
      (static_cast<std::size_t>(bytes_) + kAlignment) / kAlignment * kAlignment;
  packed_.reset(std::aligned_alloc(kAlignment, size));
  if (packed_ == nullptr) throw std::bad_alloc();
}

PackedMatrix::PackedMatrix(const float* weight, std::int64_t outputs, std::int64_t inputs,
                           WeightType type)
    : PackedMatrix(outputs, inputs,
                   fits_fewer_bits(weight, outputs, inputs) ? type : WeightType::fp32) {
  switch (type_) {
    case WeightType::fp32:
      kernels::pack_columns(kernels::transposed(kernels::row_major(weight, outputs, inputs)), 0,
                            outputs, static_cast<float*>(packed_.get()));
      break;
    case WeightType::bf16:
      pack_bfloat16(weight, inputs, outputs, static_cast<kernels::BFloat16*>(packed_.get()));
      break;
    case WeightType::int8:
      pack_int8(weight, inputs, outputs, static_cast<std::int8_t*>(packed_.get()), scales_.data());
      break;
  }
}

PackedMatrix PackedMatrix::select(std::span<const std::int64_t> chosen) const {
  PackedMatrix selected(std::ssize(chosen), inputs_, type_);
  switch (type_) {
    case WeightType::fp32:
      kernels::gather_columns(static_cast<const float*>(packed_.get()), inputs_, outputs_, chosen,
                              static_cast<float*>(selected.packed_.get()));
      break;
    case WeightType::bf16:
      gather_bfloat16(static_cast<const kernels::BFloat16*>(packed_.get()), inputs_, chosen,
                      static_cast<kernels::BFloat16*>(selected.packed_.get()));
      break;
    case WeightType::int8:
      gather_int8(static_cast<const std::int8_t*>(packed_.get()), inputs_, chosen,
                  static_cast<std::int8_t*>(selected.packed_.get()));
      for (std::size_t column = 0; column < chosen.size(); ++column)
        selected.scales_[column] = scales_[static_cast<std::size_t>(chosen[column])];
      break;
  }
  return selected;
}

void PackedMatrix::multiply(const float* x, std::int64_t rows, const Epilogue& epilogue, float* out,
                            Scratch& scratch) const {
  const std::int64_t tile = tile_columns();
  const std::int64_t tiles = (outputs_ + tile - 1) / tile;
  const std::int64_t own = narrow_scratch_size(inputs_);
  for (std::int64_t first = 0; first < rows; first += kNarrowRows) {
    const std::int64_t count = std::min(kNarrowRows, rows - first);
    const float* left = x + first * inputs_;
    float* result = out + first * outputs_;
    Crew* crew = count * inputs_ * outputs_ < kWorthSharing ? nullptr : scratch.crew();
    const std::int64_t parts = crew == nullptr ? 1 : crew->size();
    std::byte* memory = scratch.bytes(parts * own);
    const auto multiply_columns = [&](std::int64_t part) {
      const std::int64_t begin = std::min(tiles * part / parts * tile, outputs_);
      const std::int64_t end = std::min(tiles * (part + 1) / parts * tile, outputs_);
      if (begin < end)
        multiply_part(left, count, epilogue, result, begin, end, memory + part * own);
    };
    if (crew == nullptr)
      multiply_columns(0);
    else
      crew->run(multiply_columns);
  }
}

std::int64_t PackedMatrix::tile_columns() const {
  return type_ == WeightType::fp32 ? kernels::tile_columns() : packed_columns(1);
}

void PackedMatrix::multiply_part(const float* x, std::int64_t rows, const Epilogue& epilogue,
                                 float* out, std::int64_t begin, std::int64_t end,
                                 std::byte* scratch) const {
  const NarrowProduct product{x,   rows,  inputs_, outputs_, epilogue.bias, epilogue.accumulate,
                              out, begin, end};
  switch (type_) {
    case WeightType::fp32:
      kernels::multiply({.left = kernels::row_major(x, rows, inputs_),
                         .packed = static_cast<const float*>(packed_.get()),
                         .out = out,
                         .columns = outputs_,
                         .bias = epilogue.bias,
                         .accumulate = epilogue.accumulate},
                        {0, rows, begin, end}, nullptr);
      break;
    case WeightType::bf16:
      multiply_bfloat16(product, static_cast<const kernels::BFloat16*>(packed_.get()), scratch);
      break;
    case WeightType::int8:
      multiply_int8(product, static_cast<const std::int8_t*>(packed_.get()), scales_.data(),
                    scratch);
      break;
  }
  if (epilogue.activation == Activation::none) return;
  if (end - begin == outputs_) return activate(epilogue.activation, out, rows * outputs_);
  for (std::int64_t row = 0; row < rows; ++row)
    activate(epilogue.activation, out + row * outputs_ + begin, end - begin);
}

}  // namespace dragoman::engine
