#include "dragoman/inference/engine/layers.h"

#include <algorithm>
#include <cmath>

#include "dragoman/inference/kernels/attention.h"
#include "dragoman/inference/kernels/rows.h"

namespace dragoman::engine {
namespace {

/// So many rows go through a whole feed-forward block together: what is between its two products
/// then stays in the second-level cache.
constexpr std::int64_t kBlockRows = 48;

void attend_in_sentence(const Network& network, const float* projected, std::int64_t begin,
                        std::int64_t end, Workspace& workspace, float* out) {
  const StackConfig& stack = network.config.encoder;
  const std::int64_t head_dim = stack.dim / stack.heads;
  workspace.keys.clear();
  for (std::int64_t row = begin; row < end; ++row)
    workspace.keys.push_back(projected + row * 3 * stack.dim + stack.dim);
  float* weights = workspace.weights.floats(attention_scratch(end - begin));
  for (std::int64_t row = begin; row < end; ++row)
    attend({.query = projected + row * 3 * stack.dim,
            .keys = workspace.keys.data(),
            .value_offset = stack.dim,
            .count = end - begin,
            .heads = stack.heads,
            .head_dim = head_dim,
            .scale = 1.0f / std::sqrt(static_cast<float>(head_dim)),
            .out = out + row * stack.dim},
           weights);
}

}  // namespace

void embed(const Embedding& embedding, std::int64_t id, std::int64_t position, float* out) {
  const std::int64_t dim = embedding.dim;
  const std::int64_t rows = std::ssize(embedding.positions) / dim;
  const bool is_in_table = position < rows;
  embed_row(embedding.table.data() + id * dim, embedding.scale,
            is_in_table ? embedding.positions.data() + position * dim : nullptr, dim, out);
  if (is_sinusoidal(embedding.kind) && !is_in_table)
    add_sinusoid(embedding.kind, position, dim, out);
}

void run_feed_forward(const FeedForward& block, const Network& network, float* x, std::int64_t rows,
                      Workspace& workspace) {
  const std::int64_t dim = block.inner.matrix.inputs();
  float* normed = workspace.normed.floats(kBlockRows * dim);
  float* inner = workspace.inner.floats(kBlockRows * block.inner.matrix.outputs());
  for (std::int64_t first = 0; first < rows; first += kBlockRows) {
    const std::int64_t count = std::min(kBlockRows, rows - first);
    float* part = x + first * dim;
    residual(block.norm, network.config.norm, part, count, normed, [&](const float* in) {
      block.inner(in, count, inner, workspace.scratch, network.activation());
      block.outer.add_to(inner, count, part, workspace.scratch);
    });
  }
}

void encode(const Network& network, std::span<const std::int64_t> ids,
            std::span<const std::int64_t> begins, Workspace& workspace, float* memory) {
  const std::int64_t dim = network.config.encoder.dim;
  const std::int64_t rows = std::ssize(ids);
  for (std::size_t sentence = 0; sentence + 1 < begins.size(); ++sentence)
    for (std::int64_t row = begins[sentence]; row < begins[sentence + 1]; ++row)
      embed(network.source, ids[static_cast<std::size_t>(row)], row - begins[sentence],
            memory + row * dim);
  for (const EncoderLayer& layer : network.encoder) {
    float* normed = workspace.normed.floats(rows * dim);
    float* projected = workspace.queries.floats(rows * 3 * dim);
    float* attended = workspace.attended.floats(rows * dim);
    residual(layer.attention_norm, network.config.norm, memory, rows, normed, [&](const float* in) {
      layer.query_key_value(in, rows, projected, workspace.scratch);
      for (std::size_t sentence = 0; sentence + 1 < begins.size(); ++sentence)
        attend_in_sentence(network, projected, begins[sentence], begins[sentence + 1], workspace,
                           attended);
      layer.attention_output.add_to(attended, rows, memory, workspace.scratch);
    });
    run_feed_forward(layer.feed_forward, network, memory, rows, workspace);
  }
  if (network.encoder_norm) (*network.encoder_norm)(memory, rows, memory);
}

}  // namespace dragoman::engine
