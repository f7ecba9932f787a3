// The decoder of the CPU engine and what it remembers of a batch. Rows are hypotheses, sentence by
// sentence, equally many for each. What has been computed for a position stays where it is: a
// hypothesis finds its past through a table, and a reordering of hypotheses moves that table alone.
// Every few steps what no hypothesis comes from any more is forgotten.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dragoman/inference/engine/network.h"
#include "dragoman/inference/engine/workspace.h"

namespace dragoman::engine {

/// Sources of B sentences, behind each other.
struct Sources {
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> begins;  ///< [B + 1]
  std::vector<std::int64_t>
      copy_ids;  ///< as ids, for a model with a copy head: what copying yields
};

class Decoding {
 public:
  /// Encodes. `network` must outlive it.
  Decoding(const Network& network, Sources sources, std::unique_ptr<Workspace> workspace);

  /// tokens [R, count]: the next tokens of each row, below the vocabulary's size -> hidden states
  /// [R, count, D], valid until the next call.
  const float* step(std::span<const std::int64_t> tokens, std::int64_t count);

  /// rows[i]: the old row that row i continues. sentences: those that stay, in order.
  void reorder(std::span<const std::int64_t> rows);
  void keep_sentences(std::span<const std::int64_t> sentences);

  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t sentences() const { return std::ssize(sentences_); }
  [[nodiscard]] std::int64_t rows_per_sentence() const { return rows_ / sentences(); }
  /// Of `row`, as the sources count them.
  [[nodiscard]] std::int64_t sentence(std::int64_t row) const {
    return sentences_[static_cast<std::size_t>(row / rows_per_sentence())];
  }
  /// The rows of the source of the sentence of `row`: [begin, end).
  [[nodiscard]] std::int64_t source_begin(std::int64_t row) const;
  [[nodiscard]] std::int64_t source_end(std::int64_t row) const;
  /// [N, encoder D].
  [[nodiscard]] const float* memory() const { return memory_; }
  [[nodiscard]] const Sources& sources() const { return sources_; }
  [[nodiscard]] const Network& network() const { return network_; }
  [[nodiscard]] Workspace& workspace() { return *workspace_; }
  /// To use the memory again.
  [[nodiscard]] std::unique_ptr<Workspace> take_workspace() { return std::move(workspace_); }

  /// From the next step on the attention to the source of this layer (from 0) is kept.
  void keep_attention(std::int64_t layer) { attention_layer_ = layer; }
  /// Of the last step, the mean of its heads: [R * count, longest source], 0 past a source's end.
  [[nodiscard]] const std::vector<float>& attention() const { return attention_; }
  /// attention_head pointers: scores [count tokens of a row, S] of the last step, before the
  /// softmax; [R * count, longest source].
  [[nodiscard]] const std::vector<float>& cross_scores() const { return cross_scores_; }
  [[nodiscard]] std::int64_t longest_source() const { return longest_; }
  /// Keys of the cross-attention of a layer: [N, 2 D], keys first.
  [[nodiscard]] const float* cross_keys(std::int64_t layer) const {
    return cross_[static_cast<std::size_t>(layer)];
  }

 private:
  /// Where the keys and values of one position of one hypothesis are.
  struct Slot {
    std::int32_t block;
    std::int32_t row;
  };
  /// Of one step, or what is left of several: [layers, rows, 2 D], keys and values.
  struct Block {
    float* data;
    std::int64_t rows;
  };
  [[nodiscard]] Block new_block(std::int64_t rows);
  /// Joins the blocks since the last call into one, without the rows that are nobody's past.
  void join_blocks();
  /// projected: [R * count, 3 D], queries, keys and values of the new positions.
  void attend_to_past(std::size_t layer, const float* projected, std::int64_t count, float* out);
  void attend_to_source(std::size_t layer, const float* queries, std::int64_t count, float* out);

  const Network& network_;
  Sources sources_;
  std::unique_ptr<Workspace> workspace_;
  float* memory_ = nullptr;
  std::vector<const float*> cross_;      ///< [layers] of [N, 2 D]
  std::vector<std::int64_t> sentences_;  ///< which of the sources are still here
  std::int64_t rows_ = 0;
  std::int64_t length_ = 0;  ///< positions so far
  std::int64_t longest_ = 0;
  std::vector<Slot> past_;  ///< [R, length]
  std::vector<Slot> next_past_;
  std::vector<Block> blocks_;
  std::size_t joined_ = 0;           ///< blocks that join_blocks has seen
  std::int64_t joined_length_ = 0;   ///< positions in them
  std::vector<std::int32_t> moved_;  ///< of join_blocks
  std::vector<float> cross_scores_;
  std::int64_t attention_layer_ = -1;  ///< that is kept; -1: none
  std::vector<float> attention_;
};

}  // namespace dragoman::engine
