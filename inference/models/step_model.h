// All that search, sampling and scoring need from a model: encode once, then one log-probability
// row per hypothesis and step. Native modules, TorchScript modules, ensembles implement it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "dragoman/inference/models/candidates.h"

namespace dragoman {

/// Sources of B sentences.
struct SourceBatch {
  at::Tensor ids;      ///< [B, S] int64, each row ends with </s> if has_ends; padded on the right
  at::Tensor lengths;  ///< [B] int64, </s> counted
  /// For models that copy: the target word of each position, [B, S] int64, below 0 at padding.
  at::Tensor copy_ids;
  std::int64_t extra_words = 0;  ///< copy ids are below vocabulary_size() + extra_words
  std::int64_t unknown = 1;      ///< the target word that an extra word is read as
  /// Of each sentence, or empty: extra words that every output holds exactly once.
  std::vector<std::vector<std::int64_t>> required;
  /// Of each sentence, or empty: target words that its outputs may hold whatever a shortlist says.
  std::vector<std::vector<std::int64_t>> needed;
  /// Attention to the source that the model is to keep: DecodingOptions::attention_layer; none.
  std::optional<std::int64_t> attention_layer;
  bool has_ends = true;
};

/// What a model says of given target tokens.
struct TokenScores {
  at::Tensor log_probs;  ///< [B, T] float32
  /// Of models that copy, otherwise undefined: the part of each probability that copying has, and
  /// the source position with the greatest weight among those that hold the token (-1: none does).
  at::Tensor copied;     ///< [B, T] float32
  at::Tensor positions;  ///< [B, T] int64
  /// Of each target token to each source position, when SourceBatch::attention_layer asks for it;
  /// each row sums to 1.
  at::Tensor attention;  ///< [B, T, S] float32
};

/// What a model remembers between steps; each model has its own kind.
class StepState {
 public:
  virtual ~StepState() = default;
};

class StepModel {
 public:
  virtual ~StepModel() = default;
  /// Encodes; the state has one row per sentence.
  virtual std::unique_ptr<StepState> start(const SourceBatch& source) const = 0;
  /// next [R, T] int64: the next T >= 1 target tokens of each row (the first call begins with <s>)
  /// -> log-probabilities [R, V + extra words] float32 after the last of them.
  virtual at::Tensor step(const at::Tensor& next, StepState& state) const = 0;
  /// rows [R'] int64: the old row that each new row continues; sentences [B'] int64: the sentences
  /// that stay, in order (undefined: all). Rows are sentence-major, equally many per sentence.
  virtual void reorder(StepState& state, const at::Tensor& rows,
                       const at::Tensor& sentences) const = 0;
  virtual std::int64_t vocabulary_size() const = 0;
  virtual at::Device device() const = 0;
  /// Reads SourceBatch::copy_ids.
  virtual bool copies() const { return false; }

  /// The best next tokens of each row. For models that need no log-probability of every word:
  /// search calls only this.
  virtual Candidates step_candidates(const at::Tensor& next, StepState& state,
                                     const CandidateRequest& request) const;
  /// Decoder layers whose attention to the source can be kept; 0: this model keeps none.
  virtual std::int64_t attention_layers() const { return 0; }
  /// When SourceBatch::attention_layer asked for it: what the last token that each row was given
  /// attends to, which is what its next token is made from. [R, S] float32, 0 at padding.
  virtual at::Tensor attention(const StepState& state) const;
  /// input [B, T] int64 begins with <s> and is padded on the right, output [B, T] int64 is what
  /// follows each of its tokens -> figures of `output`, meaningless at padding. Here: one step per
  /// position.
  virtual TokenScores score(const SourceBatch& source, const at::Tensor& input,
                            const at::Tensor& output) const;
  /// Most tokens that a source (with </s>) or a target (with <s>) may have.
  virtual std::int64_t max_positions() const { return std::numeric_limits<std::int64_t>::max(); }
};

}  // namespace dragoman
