#include "dragoman/data/doctor/finding.h"

#include <fmt/core.h>

namespace dragoman {

std::string percent(std::int64_t count, std::int64_t total) {
  if (count == 0 || total == 0) return "0 %";
  const double share = 100.0 * static_cast<double>(count) / static_cast<double>(total);
  if (count == total) return "100 %";
  if (share >= 99.95) return "> 99.9 %";
  return share >= 0.1
             ? fmt::format("{:.1f} %", share)
             : fmt::format("{} %", share < 0.001 ? "< 0.001" : fmt::format("{:.3f}", share));
}

}  // namespace dragoman
