// The random generators that dropout and sampling draw from: that of the CPU and, for a run on a
// GPU, that of the GPU.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>

namespace dragoman {

/// [bytes] uint8 on the CPU.
[[nodiscard]] at::Tensor generator_state(at::Device device);
void set_generator_state(at::Device device, const at::Tensor& state);

/// That of the CPU and, when `device` is another, that of `device`, one after the other.
[[nodiscard]] at::Tensor generators_of(at::Device device);
/// `states`: of the same kind of device.
void set_generators(at::Device device, const at::Tensor& states);

/// For a rank that has no states to go on from: what it draws depends on the three numbers.
void seed_generators(std::int64_t seed, std::int64_t rank, std::int64_t step);

}  // namespace dragoman
