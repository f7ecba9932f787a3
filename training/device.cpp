#include "dragoman/training/device.h"

#include <ATen/ATen.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <fmt/format.h>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

bool cpu_has_bf16() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") || __builtin_cpu_supports("amx-bf16");
#else
  return false;
#endif
}

}  // namespace

at::Device parse_device(const std::string& name) {
  const bool is_cuda = name == "cuda" || name.starts_with("cuda:");
  const std::string index = is_cuda && name.size() > 5 ? name.substr(5) : "";
  const bool is_number = index.find_first_not_of("0123456789") == std::string::npos;
  if (name == "cpu") return at::kCPU;
  if (!is_cuda || !is_number || name == "cuda:" || index.size() > 2)
    throw UsageError(fmt::format(
        "training.device: {} is not a device. Use cpu, cuda or cuda:N (N from 0).", name));
  if (!at::hasCUDA() || !at::globalContext().getAcceleratorHooksInterface().isAvailable())
    throw UsageError(fmt::format("training.device: {} is asked for, but this LibTorch {}. Use cpu.",
                                 name,
                                 at::hasCUDA() ? "finds no usable GPU" : "was built without CUDA"));
  const int device = index.empty() ? 0 : std::stoi(index);
  const auto count =
      static_cast<int>(at::globalContext().getAcceleratorHooksInterface().deviceCount());
  if (device >= count)
    throw UsageError(
        fmt::format("training.device: {} is asked for, but there are {} GPUs. Use "
                    "cuda:0 to cuda:{}.",
                    name, count, count - 1));
  return {at::kCUDA, static_cast<at::DeviceIndex>(device)};
}

bool has_native_bf16(at::Device device) {
  if (device.is_cpu()) return cpu_has_bf16();
  if (!device.is_cuda()) return false;
  // Asks for compute capability 8.0 or later, which is what bfloat16 arithmetic needs as well; the
  // CUDA headers that know the capability itself are not needed this way.
  const c10::DeviceGuard guard(device);
  return at::detail::getCUDAHooks().supportsBFloat16ConvolutionWithCuDNNv8();
}

at::ScalarType compute_type(TrainingPrecision precision, at::Device device) {
  switch (precision) {
    case TrainingPrecision::fp32:
      return at::kFloat;
    case TrainingPrecision::bf16:
      return at::kBFloat16;
    case TrainingPrecision::automatic:
      break;
  }
  return has_native_bf16(device) ? at::kBFloat16 : at::kFloat;
}

}  // namespace dragoman
