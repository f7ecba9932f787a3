#include "dragoman/training/generators.h"

#include <ATen/ATen.h>

#include <mutex>

#include "dragoman/data/random.h"

namespace dragoman {

at::Tensor generator_state(at::Device device) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  const std::lock_guard lock(generator.mutex());
  return generator.get_state().cpu();
}

void set_generator_state(at::Device device, const at::Tensor& state) {
  at::Generator generator = at::globalContext().defaultGenerator(device);
  const std::lock_guard lock(generator.mutex());
  generator.set_state(state);
}

at::Tensor generators_of(at::Device device) {
  const at::Tensor cpu = generator_state(at::kCPU);
  return device.is_cpu() ? cpu : at::cat({cpu, generator_state(device)});
}

void set_generators(at::Device device, const at::Tensor& states) {
  const std::int64_t bytes = generator_state(at::kCPU).numel();
  set_generator_state(at::kCPU, states.narrow(0, 0, bytes).clone());
  if (!device.is_cpu())
    set_generator_state(device, states.narrow(0, bytes, states.numel() - bytes).clone());
}

void seed_generators(std::int64_t seed, std::int64_t rank, std::int64_t step) {
  constexpr std::uint64_t kRankStream = 0x72616e6b;
  at::manual_seed(Random({static_cast<std::uint64_t>(seed), kRankStream,
                          static_cast<std::uint64_t>(rank), static_cast<std::uint64_t>(step)})
                      .next());
}

}  // namespace dragoman
