#include "dragoman/training/memory.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>

namespace dragoman {
namespace {

constexpr auto kAll = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);

/// "VmHWM:  1234 kB" of a file of Linux: bytes; 0 when it is not there.
std::int64_t kilobytes_in(const char* path, const std::string& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key + ':')) continue;
    std::int64_t kilobytes = 0;
    std::istringstream(line.substr(key.size() + 1)) >> kilobytes;
    return 1024 * kilobytes;
  }
  return 0;
}

/// Nothing, or "max", is no limit.
std::int64_t limit_in(const char* path) {
  std::int64_t bytes = 0;
  return std::ifstream(path) >> bytes ? bytes : std::numeric_limits<std::int64_t>::max();
}

std::int64_t free_on_cpu() {
  const std::int64_t of_system = kilobytes_in("/proc/meminfo", "MemAvailable");
  const std::int64_t limit = std::min(limit_in("/sys/fs/cgroup/memory.max"),
                                      limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
  return std::max<std::int64_t>(std::min(of_system, limit - resident_memory()), 0);
}

c10::DeviceAllocator* allocator_of(at::Device device) {
  if (device.is_cpu()) return nullptr;
  return dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(device.type()));
}

c10::DeviceIndex index_of(at::Device device) {
  return device.has_index() ? device.index() : c10::DeviceIndex{0};
}

}  // namespace

std::int64_t resident_memory() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  if (!(file >> total >> resident)) return 0;
  return resident * static_cast<std::int64_t>(sysconf(_SC_PAGESIZE));
}

std::int64_t peak_resident_memory() {
  return kilobytes_in("/proc/self/status", "VmHWM");
}

void forget_peak_memory() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

std::int64_t device_memory(at::Device device) {
  auto* allocator = allocator_of(device);
  if (allocator == nullptr) return 0;
  return allocator->getDeviceStats(index_of(device)).reserved_bytes[kAll].current;
}

TrainingMemory::TrainingMemory(at::Device device) : device_(device) {
  if (auto* allocator = allocator_of(device_)) {
    before_ = device_memory(device_);
    free_ = static_cast<std::int64_t>(allocator->getMemoryInfo(index_of(device_)).first);
    allocator->resetPeakStats(index_of(device_));
  } else {
    // What was freed and is kept for later would make room unseen, or go back at any time.
    malloc_trim(0);
    before_ = resident_memory();
    free_ = free_on_cpu();
    forget_peak_memory();
  }
}

std::int64_t TrainingMemory::peak() const {
  auto* allocator = allocator_of(device_);
  const std::int64_t most =
      allocator != nullptr ? allocator->getDeviceStats(index_of(device_)).reserved_bytes[kAll].peak
                           : peak_resident_memory();
  return std::max<std::int64_t>(most - before_, 0);
}

}  // namespace dragoman
