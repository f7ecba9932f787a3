// How much memory training takes, for its log.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

namespace dragoman {

/// Bytes of this process that lie in memory; 0 where the system does not tell.
[[nodiscard]] std::int64_t resident_memory();

/// Bytes that LibTorch's allocator holds on a GPU at present; 0 for the CPU.
[[nodiscard]] std::int64_t device_memory(at::Device device);

}  // namespace dragoman
