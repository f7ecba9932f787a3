// The most memory that a piece of work takes beyond what there was before it. With the address
// sanitizer what is allocated is counted, touched or not; else it is the process's resident memory.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>

#ifdef __SANITIZE_ADDRESS__
// sanitizer/allocator_interface.h, which not every installation of GCC has.
extern "C" {
int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void*, std::size_t),
                                              void (*)(const volatile void*));
std::size_t __sanitizer_get_allocated_size(const volatile void*);
}
#endif

namespace dragoman_test {

#ifdef __SANITIZE_ADDRESS__

class PeakMemory {
 public:
  PeakMemory() {
    static const int installed = __sanitizer_install_malloc_and_free_hooks(&grown, &shrunk);
    static_cast<void>(installed);
    before_ = current().load();
    peak() = before_;
  }
  [[nodiscard]] std::int64_t bytes() const { return peak().load() - before_; }

 private:
  static std::atomic<std::int64_t>& current() {
    static std::atomic<std::int64_t> bytes = 0;
    return bytes;
  }
  static std::atomic<std::int64_t>& peak() {
    static std::atomic<std::int64_t> bytes = 0;
    return bytes;
  }
  static void grown(const volatile void*, std::size_t size) {
    const auto now = current() += static_cast<std::int64_t>(size);
    for (auto old = peak().load(); now > old && !peak().compare_exchange_weak(old, now);) {
    }
  }
  static void shrunk(const volatile void* memory) {
    if (memory != nullptr)
      current() -= static_cast<std::int64_t>(__sanitizer_get_allocated_size(memory));
  }

  std::int64_t before_;
};

#else

class PeakMemory {
 public:
  PeakMemory() {
    std::ofstream("/proc/self/clear_refs") << 5;  // the peak becomes what there is now
    before_ = peak();
  }
  [[nodiscard]] std::int64_t bytes() const { return std::max<std::int64_t>(0, peak() - before_); }

 private:
  static std::int64_t peak() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("VmHWM:")) return 1024 * std::stoll(line.substr(6));
    return 0;
  }

  std::int64_t before_;
};

#endif

}  // namespace dragoman_test
