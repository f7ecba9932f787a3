#include "dragoman/inference/engine/decoding.h"

#include <algorithm>
#include <cmath>

#include "dragoman/inference/engine/layers.h"
#include "dragoman/inference/kernels/attention.h"

namespace dragoman::engine {
namespace {

/// Steps after which their blocks are joined.
constexpr std::size_t kJoinedBlocks = 8;

}  // namespace

Decoding::Decoding(const Network& network, Sources sources, std::unique_ptr<Workspace> workspace)
    : network_(network), sources_(std::move(sources)), workspace_(std::move(workspace)) {
  const std::int64_t tokens = std::ssize(sources_.ids);
  workspace_->arena.clear();
  workspace_->past.take_all_back();
  memory_ = workspace_->arena.floats(tokens * network.config.encoder.dim);
  encode(network, sources_.ids, sources_.begins, *workspace_, memory_);
  for (const DecoderLayer& layer : network.decoder) {
    float* projected = workspace_->arena.floats(tokens * 2 * network.config.decoder.dim);
    layer.cross_key_value(memory_, tokens, projected, workspace_->scratch);
    cross_.push_back(projected);
  }
  rows_ = std::ssize(sources_.begins) - 1;
  for (std::int64_t sentence = 0; sentence < rows_; ++sentence) {
    sentences_.push_back(sentence);
    longest_ = std::max(longest_, source_end(sentence) - source_begin(sentence));
  }
}

std::int64_t Decoding::source_begin(std::int64_t row) const {
  const auto place = static_cast<std::size_t>(row / rows_per_sentence());
  return sources_.begins[static_cast<std::size_t>(sentences_[place])];
}

std::int64_t Decoding::source_end(std::int64_t row) const {
  const auto place = static_cast<std::size_t>(row / rows_per_sentence());
  return sources_.begins[static_cast<std::size_t>(sentences_[place]) + 1];
}

const float* Decoding::step(std::span<const std::int64_t> tokens, std::int64_t count) {
  const std::int64_t dim = network_.config.decoder.dim;
  const std::int64_t rows = rows_ * count;
  float* x = workspace_->rows.floats(rows * dim);
  for (std::int64_t row = 0; row < rows; ++row)
    embed(network_.target(), tokens[static_cast<std::size_t>(row)], length_ + row % count,
          x + row * dim);

  if (blocks_.size() - joined_ == kJoinedBlocks) join_blocks();
  blocks_.push_back(new_block(rows));
  next_past_.resize(static_cast<std::size_t>(rows_ * (length_ + count)));
  for (std::int64_t row = 0; row < rows_; ++row) {
    Slot* to = next_past_.data() + row * (length_ + count);
    std::copy_n(past_.data() + row * length_, length_, to);
    for (std::int64_t token = 0; token < count; ++token)
      to[length_ + token] = {static_cast<std::int32_t>(blocks_.size() - 1),
                             static_cast<std::int32_t>(row * count + token)};
  }
  past_.swap(next_past_);

  for (std::size_t index = 0; index < network_.decoder.size(); ++index) {
    const DecoderLayer& layer = network_.decoder[index];
    const NormPosition position = network_.config.norm;
    float* normed = workspace_->normed.floats(rows * dim);
    float* attended = workspace_->attended.floats(rows * dim);
    residual(layer.self_norm, position, x, rows, normed, [&](const float* in) {
      float* projected = workspace_->queries.floats(rows * 3 * dim);
      layer.query_key_value(in, rows, projected, workspace_->scratch);
      float* kept = blocks_.back().data + static_cast<std::int64_t>(index) * rows * 2 * dim;
      for (std::int64_t row = 0; row < rows; ++row)
        std::copy_n(projected + (row * 3 + 1) * dim, 2 * dim, kept + row * 2 * dim);
      attend_to_past(index, projected, count, attended);
      layer.self_output.add_to(attended, rows, x, workspace_->scratch);
    });
    residual(layer.cross_norm, position, x, rows, normed, [&](const float* in) {
      float* queries = workspace_->queries.floats(rows * dim);
      layer.cross_query(in, rows, queries, workspace_->scratch);
      attend_to_source(index, queries, count, attended);
      layer.cross_output.add_to(attended, rows, x, workspace_->scratch);
    });
    run_feed_forward(layer.feed_forward, network_, x, rows, *workspace_);
  }
  if (network_.decoder_norm) (*network_.decoder_norm)(x, rows, x);
  length_ += count;
  return x;
}

Decoding::Block Decoding::new_block(std::int64_t rows) {
  return {
      workspace_->past.lend(std::ssize(network_.decoder) * rows * 2 * network_.config.decoder.dim),
      rows};
}

void Decoding::join_blocks() {
  // moved_: of each row of these blocks, its place in the new one; -1: nobody's past.
  std::vector<std::int64_t> begins = {0};
  for (std::size_t block = joined_; block < blocks_.size(); ++block)
    begins.push_back(begins.back() + blocks_[block].rows);
  moved_.assign(static_cast<std::size_t>(begins.back()), -1);
  const auto moved = [&](const Slot& slot) -> std::int32_t& {
    return moved_[static_cast<std::size_t>(begins[static_cast<std::size_t>(slot.block) - joined_] +
                                           slot.row)];
  };
  std::int32_t count = 0;
  for (std::int64_t row = 0; row < rows_; ++row)
    for (std::int64_t position = joined_length_; position < length_; ++position) {
      std::int32_t& place = moved(past_[static_cast<std::size_t>(row * length_ + position)]);
      if (place < 0) place = count++;
    }
  if (4 * count <= 3 * begins.back()) {  // else copying is not worth while
    const Block joined = new_block(count);
    const std::int64_t width = 2 * network_.config.decoder.dim;
    for (std::size_t index = joined_; index < blocks_.size(); ++index) {
      const Block& block = blocks_[index];
      for (std::int64_t row = 0; row < block.rows; ++row) {
        const auto place = moved_[static_cast<std::size_t>(begins[index - joined_] + row)];
        for (std::int64_t layer = 0; place >= 0 && layer < std::ssize(network_.decoder); ++layer)
          std::copy_n(block.data + (layer * block.rows + row) * width, width,
                      joined.data + (layer * count + place) * width);
      }
      workspace_->past.give_back(block.data);
    }
    for (std::int64_t row = 0; row < rows_; ++row)
      for (std::int64_t position = joined_length_; position < length_; ++position) {
        Slot& slot = past_[static_cast<std::size_t>(row * length_ + position)];
        slot = {static_cast<std::int32_t>(joined_), moved(slot)};
      }
    blocks_.resize(joined_);
    blocks_.push_back(joined);
  }
  joined_ = blocks_.size();
  joined_length_ = length_;
}

/// `past_` and the last block hold the `count` new positions already.
void Decoding::attend_to_past(std::size_t layer, const float* projected, std::int64_t count,
                              float* out) {
  const StackConfig& stack = network_.config.decoder;
  const std::int64_t width = 2 * stack.dim;
  const std::int64_t length = length_ + count;
  const auto number = static_cast<std::int64_t>(layer);
  const std::int64_t head_dim = stack.dim / stack.heads;
  float* weights = workspace_->weights.floats(attention_scratch(length));
  workspace_->keys.resize(static_cast<std::size_t>(length));
  for (std::int64_t row = 0; row < rows_; ++row) {
    const Slot* past = past_.data() + row * length;
    for (std::int64_t position = 0; position < length; ++position) {
      const Block& block = blocks_[static_cast<std::size_t>(past[position].block)];
      workspace_->keys[static_cast<std::size_t>(position)] =
          block.data + (number * block.rows + past[position].row) * width;
    }
    for (std::int64_t token = 0; token < count; ++token)
      attend({.query = projected + (row * count + token) * 3 * stack.dim,
              .keys = workspace_->keys.data(),
              .value_offset = stack.dim,
              .count = length_ + token + 1,
              .heads = stack.heads,
              .head_dim = head_dim,
              .scale = 1.0f / std::sqrt(static_cast<float>(head_dim)),
              .out = out + (row * count + token) * stack.dim},
             weights);
  }
}

void Decoding::attend_to_source(std::size_t layer, const float* queries, std::int64_t count,
                                float* out) {
  const StackConfig& stack = network_.config.decoder;
  const std::int64_t head_dim = stack.dim / stack.heads;
  const bool keeps_scores = network_.pointer && !network_.pointer->query &&
                            network_.pointer->layer == static_cast<std::int64_t>(layer);
  if (keeps_scores) cross_scores_.resize(static_cast<std::size_t>(rows_ * count * longest_));
  const bool keeps_weights = attention_layer_ == static_cast<std::int64_t>(layer);
  if (keeps_weights) attention_.assign(static_cast<std::size_t>(rows_ * count * longest_), 0.0f);
  float* weights = workspace_->weights.floats(attention_scratch(longest_));
  for (std::int64_t row = 0; row < rows_; ++row) {
    if (row % rows_per_sentence() == 0) {
      workspace_->keys.clear();
      for (std::int64_t source = source_begin(row); source < source_end(row); ++source)
        workspace_->keys.push_back(cross_[layer] + source * 2 * stack.dim);
    }
    for (std::int64_t token = row * count; token < (row + 1) * count; ++token)
      attend({.query = queries + token * stack.dim,
              .keys = workspace_->keys.data(),
              .value_offset = stack.dim,
              .count = std::ssize(workspace_->keys),
              .heads = stack.heads,
              .head_dim = head_dim,
              .scale = 1.0f / std::sqrt(static_cast<float>(head_dim)),
              .out = out + token * stack.dim,
              .scores = keeps_scores ? cross_scores_.data() + token * longest_ : nullptr,
              .score_head = keeps_scores ? network_.pointer->config.head - 1 : 0,
              .mean_weights = keeps_weights ? attention_.data() + token * longest_ : nullptr},
             weights);
  }
}

void Decoding::reorder(std::span<const std::int64_t> rows) {
  next_past_.resize(rows.size() * static_cast<std::size_t>(length_));
  for (std::size_t row = 0; row < rows.size(); ++row)
    std::copy_n(past_.data() + rows[row] * length_, length_,
                next_past_.data() + static_cast<std::int64_t>(row) * length_);
  past_.swap(next_past_);
  rows_ = std::ssize(rows);
}

void Decoding::keep_sentences(std::span<const std::int64_t> sentences) {
  std::vector<std::int64_t> staying;
  for (const std::int64_t place : sentences)
    staying.push_back(sentences_[static_cast<std::size_t>(place)]);
  sentences_ = std::move(staying);
}

}  // namespace dragoman::engine
