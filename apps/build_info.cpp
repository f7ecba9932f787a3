#include "apps/build_info.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <fmt/core.h>
#include <torch/version.h>
#include <unicode/uversion.h>
#include <zlib.h>

#include <CLI/Version.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

namespace dragoman {
namespace {

/// As Linux tells it; "unknown" elsewhere.
std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace

std::string version_text() {
  return "dragoman " DRAGOMAN_VERSION;
}

std::string build_info() {
  const auto json = fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR,
                                NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH);
  std::string text = version_text() + "\n";
  const auto add = [&text](std::string_view name, const std::string& value) {
    text += fmt::format("{}: {}\n", name, value);
  };
  add("LibTorch", TORCH_VERSION);
  add("SentencePiece", DRAGOMAN_SENTENCEPIECE_VERSION);
  add("nlohmann/json", json);
  add("fmt",
      fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100));
  add("CLI11", CLI11_VERSION);
  add("ICU", U_ICU_VERSION);
  add("zlib", ZLIB_VERSION);
  add("compiler", DRAGOMAN_COMPILER);
  add("build type", DRAGOMAN_BUILD_TYPE);
  add("CPU instructions used by LibTorch", at::get_cpu_capability());
  add("CPU threads",
      fmt::format("{} of {} cores", at::get_num_threads(), std::thread::hardware_concurrency()));
  add("CUDA", at::hasCUDA() ? fmt::format("{} devices", at::getNumGPUs()) : "not available");
  return text;
}

LogFields environment() {
  return {{"dragoman", std::string(DRAGOMAN_VERSION)},
          {"libtorch", std::string(TORCH_VERSION)},
          {"compiler", std::string(DRAGOMAN_COMPILER)},
          {"build", std::string(DRAGOMAN_BUILD_TYPE)},
          {"processor", processor_name()},
          {"instructions", std::string(at::get_cpu_capability())},
          {"cores", std::int64_t{std::thread::hardware_concurrency()}},
          {"gpus", std::int64_t{at::hasCUDA() ? static_cast<std::int64_t>(at::getNumGPUs()) : 0}}};
}

}  // namespace dragoman
