// Sources as the CPU engine reads them: without padding, one after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "dragoman/inference/engine/decoding.h"
#include "dragoman/inference/models/step_model.h"

namespace dragoman {

[[nodiscard]] engine::Sources ragged_sources(const SourceBatch& source, bool copies);

/// Of each position, the first position of its sentence with the same copy id.
[[nodiscard]] std::vector<std::int32_t> first_positions(const engine::Sources& sources);

}  // namespace dragoman
