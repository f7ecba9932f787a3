// NCCL for tensors on CUDA devices, beside Gloo for those of the CPU. For gloo_communicator.cpp
// alone.
#pragma once

#include <c10/util/intrusive_ptr.h>

#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace dragoman {

/// Each rank on a GPU of its own, which its first tensor names. Null in a program that was built
/// without NCCL.
[[nodiscard]] c10::intrusive_ptr<c10d::Backend> make_nccl_group(
    const c10::intrusive_ptr<c10d::Store>& store, int rank, int size,
    std::chrono::milliseconds timeout);

}  // namespace dragoman
