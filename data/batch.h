// A batch of sentence pairs as tensors, ready for the model.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "dragoman/data/word_links.h"

namespace dragoman {

/// One tokenised pair; ids without <s> and </s>. With a copy head targets may hold words that only
/// copying produces, with ids from the target vocabulary's size on.
struct Example {
  std::vector<std::int32_t> source;
  std::vector<std::int32_t> target;
  std::vector<std::int32_t> copy_ids;  ///< the target word that copying each source token yields;
                                       ///< empty without a copy head
  std::vector<WordLink> links;         ///< between tokens, by target, then source; may be none
  bool is_cut = false;                 ///< the source was longer
};

/// Copy id of padding: equal to no target, not even to an ignored one.
constexpr std::int64_t kNoCopy = -2;

/// Special ids that collate needs.
struct SpecialIds {
  std::int32_t source_pad = 0;
  std::int32_t source_end = 3;
  bool ends_source = true;  ///< sources end with </s>; one without tokens always does
  std::int32_t target_pad = 0;
  std::int32_t target_begin = 2;
  std::int32_t target_end = 3;
  std::int32_t target_unknown = 1;
  std::int32_t target_vocabulary = std::numeric_limits<std::int32_t>::max();
  bool copies = false;  ///< there is a copy head
};

/// Tokens that a model reads of a source of `tokens` tokens.
[[nodiscard]] std::size_t source_length(std::size_t tokens, const SpecialIds& ids);

/// Padded on the right. Masks follow from the lengths, never from the ids.
struct Batch {
  at::Tensor source;               ///< [B, S] int64, each row ends with </s> if ends_source
  at::Tensor source_lengths;       ///< [B] int64, </s> counted
  at::Tensor copy_ids;             ///< [B, S] int64, that of </s> is the target's; below 0 at
                                   ///< padding; undefined without a copy head
  at::Tensor target_input;         ///< [B, T] int64, begins with <s>; words that only copying
                                   ///< produces are <unk> here
  at::Tensor target_output;        ///< [B, T] int64, ends with </s>
  at::Tensor target_lengths;       ///< [B] int64, </s> counted
  at::Tensor links;                ///< [N] int64: places in [B, T, S] of target_output and source
                                   ///< whose tokens are linked; undefined: no pair has links
  at::Tensor link_weights;         ///< [N] float: 1 / number of links of the same target token
  std::int64_t source_tokens = 0;  ///< without padding, </s> counted
  std::int64_t target_tokens = 0;  ///< without padding, </s> counted

  [[nodiscard]] std::int64_t sentences() const { return source.size(0); }
  /// Copies to `device` without waiting; memory is pinned when collate was told so.
  [[nodiscard]] Batch to(at::Device device) const;
};

[[nodiscard]] Batch collate(std::span<const Example> examples, const SpecialIds& ids,
                            bool pin_memory = false);

}  // namespace dragoman
