// The learning rate as a pure function of the configuration and the update.
//
// Updates count from 1. Warm-up is linear: step / warmup_steps of the peak, so that the peak is
// reached at step = warmup_steps. After it, with u = step - warmup_steps:
//   constant      peak
//   linear        straight from the peak to final_learning_rate at max_steps
//   noam          peak * sqrt(warmup_steps / step)          (Vaswani et al. 2017; 0 counts as 1)
//   exponential   peak * decay_rate ^ (u / decay_steps), not below final_learning_rate
//   cosine        half a cosine from the peak to final_learning_rate at max_steps (Loshchilov 2017)
//   cyclic        triangles of period decay_steps: peak, down to final_learning_rate, up (Smith
//   2017)
// After max_steps linear and cosine stay where they ended.
#pragma once

#include <cstdint>

#include "dragoman/training/training_config.h"

namespace dragoman {

/// For update `step` >= 1.
[[nodiscard]] double learning_rate(const TrainingConfig& config, std::int64_t step);

}  // namespace dragoman
