// Where and in which arithmetic training runs.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <string>

#include "dragoman/training/training_config.h"

namespace dragoman {

/// "cpu", "cuda" or "cuda:N". Throws UsageError: unknown name, no such device.
[[nodiscard]] at::Device parse_device(const std::string& name);

/// True when `device` multiplies bfloat16 matrices natively (CPU: AVX512-BF16 or AMX; CUDA: sm80
/// on).
[[nodiscard]] bool has_native_bf16(at::Device device);

/// The type that activations are computed in; `automatic` takes bfloat16 where it is native.
[[nodiscard]] at::ScalarType compute_type(TrainingPrecision precision, at::Device device);

}  // namespace dragoman
