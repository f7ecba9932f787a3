// Alignments as the programs write them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "dragoman/inference/alignment.h"

namespace dragoman {

/// Links as [source, target]. Weights with five digits behind the point.
[[nodiscard]] nlohmann::ordered_json to_json(const Alignment& alignment);

/// What stands behind "|||" in text: with weights "0.9,0.1 0.2,0.8", for each target token (</s>
/// last) those of the source tokens, as Marian has it; else the words' links, "0-0 1-2".
[[nodiscard]] std::string to_text(const Alignment& alignment);

}  // namespace dragoman
