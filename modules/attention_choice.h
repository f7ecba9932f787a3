// Which attention to the source stands for the alignment of a model.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "dragoman/modules/model_config.h"

namespace dragoman {

/// `wanted`: a decoder layer counted from 1, or 0 to choose. The decoder layer, from 0, whose
/// heads' mean it is; none: the copy head's pointer. 0 is the pointer or, in a model without one,
/// the layer before the last, which is nearest to human alignments (Garg et al. 2019).
[[nodiscard]] inline std::optional<std::int64_t> attention_layer_of(const ModelConfig& config,
                                                                    std::int64_t wanted) {
  if (wanted > 0) return wanted - 1;
  if (config.copy_head.enabled) return std::nullopt;
  return std::max<std::int64_t>(config.attention_layers() - 2, 0);
}

}  // namespace dragoman
