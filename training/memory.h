// How much memory training takes, for its log and for what is fitted to memory.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

namespace dragoman {

/// Bytes of this process that lie in memory; 0 where the system does not tell.
[[nodiscard]] std::int64_t resident_memory();
/// The most since the last call of forget_peak_memory, or since the process began.
[[nodiscard]] std::int64_t peak_resident_memory();
void forget_peak_memory();

/// Bytes that LibTorch's allocator holds on a GPU at present; 0 for the CPU.
[[nodiscard]] std::int64_t device_memory(at::Device device);

/// What is taken on a device from its construction on.
class TrainingMemory {
 public:
  explicit TrainingMemory(at::Device device);

  /// Bytes that could be taken when it was constructed: on the CPU those that the system and the
  /// process's control group leave.
  [[nodiscard]] std::int64_t free() const { return free_; }
  /// The most that was taken since.
  [[nodiscard]] std::int64_t peak() const;

 private:
  at::Device device_;
  std::int64_t before_;
  std::int64_t free_;
};

}  // namespace dragoman
