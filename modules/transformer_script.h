// The Transformer once more, in TorchScript: the methods that make a model file a program for
// Python's torch.jit.load. They compute what transformer.h computes, dropout in training included.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

#include "dragoman/modules/model_config.h"

namespace dragoman {

/// What the methods need to know of the tokenisers; only a copy head asks.
struct ScriptVocabulary {
  std::int64_t unknown = 1;  ///< the target word that a word of no vocabulary is read as
  bool is_joint = true;      ///< source ids are target ids: copy ids may be left out
};

/// `stored`: the tensors of the file by name, float or as quantisation stores them (int8 matrices
/// NAME with NAME_scale, bfloat16 matrices), which the methods turn into float where they are used.
/// -> the source of the methods of each group of tensors that has some: "" is the whole model, with
///
///   encode(ids, mask=None) -> List[Tensor]
///   decode_step(last, state) -> Tuple[Tensor, List[Tensor]]
///   forward(ids, target, mask=None) -> Tensor
///
/// and, with a copy head, copy_ids=None and extra_words=0 behind mask. docs/python.md says what
/// they take and give. Empty when the configuration has an option that they do not know
/// (ModelConfig::modules_only).
[[nodiscard]] std::map<std::string, std::string> transformer_script(
    const ModelConfig& config, const std::map<std::string, at::Tensor>& stored,
    const ScriptVocabulary& vocabulary = {});

}  // namespace dragoman
