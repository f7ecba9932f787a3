// Packed layout: panels of as many columns as a tile has; in them what narrow_tiles.h says. Missing
// columns and missing last depths are zero. This file is compiled without fused multiply-adds, so
// that integers are the same on every processor.
#include "dragoman/inference/kernels/narrow_product.h"

#include <cmath>
#include <cstddef>
#include <cstring>

#include "dragoman/inference/kernels/narrow_tiles.h"
#include "dragoman/modules/kernels/gather_panels.h"
#include "dragoman/modules/kernels/multiversion.h"

namespace dragoman {
namespace {

using kernels::BFloat16;

std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

/// How one of the packed matrices lies in memory.
struct Layout {
  std::int64_t inputs;
  std::int64_t outputs;
  std::int64_t width;  ///< columns of a panel
  std::int64_t group;
  std::int64_t groups;
  std::int64_t element_size;
  std::int64_t start_bytes;  ///< of a panel: the sums that it starts with

  Layout(const NarrowTiles& tiles, std::int64_t input_count, std::int64_t output_count,
         std::int64_t bytes_of_element)
      : inputs(input_count),
        outputs(output_count),
        width(narrow_kernel().tile_columns),
        group(group_size(tiles.left)),
        groups((input_count + group - 1) / group),
        element_size(bytes_of_element),
        start_bytes(tiles.left == LeftSide::byte_quads ? width * 4 : 0) {}

  [[nodiscard]] std::int64_t panel_bytes() const {
    return start_bytes + width * groups * group * element_size;
  }
  [[nodiscard]] std::int64_t bytes() const {
    return round_up(outputs, width) / width * panel_bytes();
  }
};
Layout bfloat16_layout(std::int64_t inputs, std::int64_t outputs) {
  return {narrow_kernel().bfloat16, inputs, outputs, sizeof(BFloat16)};
}
Layout int8_layout(std::int64_t inputs, std::int64_t outputs) {
  return {narrow_kernel().int8, inputs, outputs, sizeof(std::int8_t)};
}

/// Calls store(output, input, element) for every element of the packed matrix; output or input may
/// be past the end.
template <class Element>
void for_each_element(const Layout& layout, void* packed, auto&& store) {
  for (std::int64_t panel = 0; panel < layout.outputs; panel += layout.width) {
    auto* element = reinterpret_cast<Element*>(static_cast<std::byte*>(packed) +
                                               panel / layout.width * layout.panel_bytes() +
                                               layout.start_bytes);
    for (std::int64_t first = 0; first < layout.groups * layout.group; first += layout.group)
      for (std::int64_t column = panel; column < panel + layout.width; ++column)
        for (std::int64_t input = first; input < first + layout.group; ++input)
          store(column, input, *element++);
  }
}

/// Runs all tiles of a product. left_row: floats or groups from row to row.
void run_tiles(const NarrowTiles& tiles, const Layout& layout, const NarrowProduct& product,
               const void* left, std::int64_t left_row, const void* packed, const float* row_scales,
               const float* scales) {
  NarrowTile tile{};
  tile.left_row = left_row;
  tile.groups = layout.groups;
  tile.out_row = product.outputs;
  tile.accumulate = product.accumulate;
  for (std::int64_t column = product.begin; column < product.end; column += layout.width) {
    tile.right =
        static_cast<const std::byte*>(packed) + column / layout.width * layout.panel_bytes();
    tile.columns = layout.width < product.end - column ? layout.width : product.end - column;
    tile.bias = product.bias == nullptr ? nullptr : product.bias + column;
    tile.scales = scales == nullptr ? nullptr : scales + column;
    for (std::int64_t row = 0; row < product.rows; row += kNarrowTileRows) {
      const std::int64_t rows =
          product.rows - row < kNarrowTileRows ? product.rows - row : kNarrowTileRows;
      tile.left = static_cast<const std::byte*>(left) + row * left_row * 4;
      tile.row_scales = row_scales == nullptr ? nullptr : row_scales + row;
      tile.out = product.out + row * product.outputs + column;
      tiles.run[rows - 1](tile);
    }
  }
}

/// Integers of a row lie in [-limit, limit]: eight bits, or so few that no sum of `inputs` products
/// leaves 32.
std::int32_t left_limit(std::int64_t inputs) {
  const std::int64_t most = (std::int64_t{1} << 31) / (128 * (inputs + 2));
  return static_cast<std::int32_t>(most < 127 ? most : 127);
}

/// row [inputs] -> integers + offset [whole groups]; returns the scale.
template <class Integer, std::int32_t kOffset>
[[gnu::always_inline]] inline float quantize_row(const float* row, const Layout& layout,
                                                 std::int32_t limit, Integer* out) {
  const std::int64_t inputs = layout.inputs;
  constexpr std::int64_t kLanes = 16;
  float lanes[kLanes] = {};
  const std::int64_t blocks = inputs / kLanes * kLanes;
  for (std::int64_t start = 0; start < blocks; start += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const float size = std::fabs(row[start + lane]);
      lanes[lane] = size > lanes[lane] ? size : lanes[lane];
    }
  float largest = 0.0f;
  for (const float lane : lanes)
    largest = lane > largest ? lane : largest;
  for (std::int64_t input = blocks; input < inputs; ++input)
    largest = std::fabs(row[input]) > largest ? std::fabs(row[input]) : largest;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const float inverse = largest > 0.0f ? static_cast<float>(limit) / largest : 0.0f;
  for (std::int64_t input = 0; input < inputs; ++input)
    out[input] = static_cast<Integer>(
        static_cast<std::int32_t>((row[input] * inverse + kRound) - kRound) + kOffset);
  for (std::int64_t input = inputs; input < layout.groups * layout.group; ++input)
    out[input] = 0;
  return largest / static_cast<float>(limit);
}

/// The left side as integers.
DRAGOMAN_MULTIVERSION
void quantize_rows(const NarrowProduct& product, const Layout& layout, LeftSide left, void* out,
                   float* scales) {
  const std::int32_t limit = left_limit(product.inputs);
  const std::int64_t stride = layout.groups * layout.group;
  for (std::int64_t row = 0; row < product.rows; ++row) {
    const float* from = product.left + row * product.inputs;
    if (left == LeftSide::byte_quads)
      scales[row] = quantize_row<std::uint8_t, 128>(from, layout, limit,
                                                    static_cast<std::uint8_t*>(out) + row * stride);
    else
      scales[row] = quantize_row<std::int16_t, 0>(from, layout, limit,
                                                  static_cast<std::int16_t*>(out) + row * stride);
  }
}

/// The left side rounded to bfloat16; NaN stays NaN.
DRAGOMAN_MULTIVERSION
void round_rows(const NarrowProduct& product, const Layout& layout, BFloat16* out) {
  for (std::int64_t row = 0; row < product.rows; ++row, out += layout.groups * layout.group) {
    const float* from = product.left + row * product.inputs;
    for (std::int64_t input = 0; input < product.inputs; ++input) {
      BFloat16 rounded{};
      kernels::store(from[input], rounded);
      out[input] = from[input] == from[input] ? rounded : BFloat16{0x7fc0};
    }
    for (std::int64_t input = product.inputs; input < layout.groups * layout.group; ++input)
      out[input] = BFloat16{};
  }
}

/// What the sums of a panel start with: minus what 128 too much on the left side adds to them.
void write_starts(const Layout& layout, std::int8_t* packed) {
  if (layout.start_bytes == 0) return;
  for (std::int64_t panel = 0; panel < layout.outputs; panel += layout.width) {
    const std::int8_t* element = packed + layout.start_bytes;
    for (std::int64_t column = 0; column < layout.width; ++column) {
      std::int32_t sum = 0;
      for (std::int64_t group = 0; group < layout.groups; ++group)
        for (std::int64_t member = 0; member < layout.group; ++member)
          sum += element[(group * layout.width + column) * layout.group + member];
      const std::int32_t start = -128 * sum;
      std::memcpy(packed + column * 4, &start, sizeof start);
    }
    packed += layout.panel_bytes();
  }
}

}  // namespace

std::int64_t packed_bfloat16_size(std::int64_t inputs, std::int64_t outputs) {
  return bfloat16_layout(inputs, outputs).bytes();
}
std::int64_t packed_int8_size(std::int64_t inputs, std::int64_t outputs) {
  return int8_layout(inputs, outputs).bytes();
}

void pack_bfloat16(const float* weight, std::int64_t inputs, std::int64_t outputs,
                   BFloat16* packed) {
  for_each_element<BFloat16>(bfloat16_layout(inputs, outputs), packed,
                             [&](std::int64_t output, std::int64_t input, BFloat16& element) {
                               const bool exists = output < outputs && input < inputs;
                               kernels::store(exists ? weight[output * inputs + input] : 0.0f,
                                              element);
                             });
}

void pack_int8(const float* weight, std::int64_t inputs, std::int64_t outputs, std::int8_t* packed,
               float* scales) {
  for (std::int64_t output = 0; output < packed_columns(outputs); ++output) {
    float largest = 0.0f;
    for (std::int64_t input = 0; input < inputs && output < outputs; ++input)
      largest = std::fmax(largest, std::fabs(weight[output * inputs + input]));
    scales[output] = largest / 127.0f;
  }
  const Layout layout = int8_layout(inputs, outputs);
  for_each_element<std::int8_t>(
      layout, packed, [&](std::int64_t output, std::int64_t input, std::int8_t& element) {
        const bool exists = output < outputs && input < inputs && scales[output] > 0.0f;
        element = exists ? static_cast<std::int8_t>(
                               std::lrint(weight[output * inputs + input] / scales[output]))
                         : std::int8_t{0};
      });
  write_starts(layout, packed);
}

namespace {

/// A group of a column, in memory as one.
template <std::size_t kBytes>
struct Group {
  std::byte bytes[kBytes];
};

template <std::size_t kBytes>
void gather_groups(const Layout& layout, const void* packed, std::span<const std::int64_t> chosen,
                   void* out) {
  // What a panel's sums start with lies before it like one group more.
  const std::int64_t starts = layout.start_bytes == 0 ? 0 : 1;
  kernels::gather_panels(static_cast<const Group<kBytes>*>(packed), starts + layout.groups,
                         layout.width, chosen, static_cast<Group<kBytes>*>(out));
}

void gather(const Layout& layout, const void* packed, std::span<const std::int64_t> chosen,
            void* out) {
  if (layout.group * layout.element_size == 2)
    gather_groups<2>(layout, packed, chosen, out);
  else
    gather_groups<4>(layout, packed, chosen, out);
}

}  // namespace

void gather_bfloat16(const BFloat16* packed, std::int64_t inputs,
                     std::span<const std::int64_t> chosen, BFloat16* out) {
  gather(bfloat16_layout(inputs, std::ssize(chosen)), packed, chosen, out);
}

void gather_int8(const std::int8_t* packed, std::int64_t inputs,
                 std::span<const std::int64_t> chosen, std::int8_t* out) {
  gather(int8_layout(inputs, std::ssize(chosen)), packed, chosen, out);
}

std::int64_t packed_columns(std::int64_t outputs) {
  return round_up(outputs, narrow_kernel().tile_columns);
}

std::int64_t narrow_scratch_size(std::int64_t inputs) {
  const std::int64_t row = 4 * ((inputs + 1) / 2);  // pairs of two bytes are the longest
  return kNarrowRows * (static_cast<std::int64_t>(sizeof(float)) + row);
}

void multiply_bfloat16(const NarrowProduct& product, const BFloat16* packed, std::byte* scratch) {
  const NarrowTiles& tiles = narrow_kernel().bfloat16;
  const Layout layout = bfloat16_layout(product.inputs, product.outputs);
  if (tiles.left == LeftSide::floats)
    return run_tiles(tiles, layout, product, product.left, product.inputs, packed, nullptr,
                     nullptr);
  round_rows(product, layout, reinterpret_cast<BFloat16*>(scratch));
  run_tiles(tiles, layout, product, scratch, layout.groups, packed, nullptr, nullptr);
}

void multiply_int8(const NarrowProduct& product, const std::int8_t* packed, const float* scales,
                   std::byte* scratch) {
  const NarrowTiles& tiles = narrow_kernel().int8;
  const Layout layout = int8_layout(product.inputs, product.outputs);
  auto* row_scales = reinterpret_cast<float*>(scratch);
  std::byte* left = scratch + kNarrowRows * sizeof(float);
  quantize_rows(product, layout, tiles.left, left, row_scales);
  run_tiles(tiles, layout, product, left, layout.groups, packed, row_scales, scales);
}

}  // namespace dragoman
