// Ranks that talk over TCP: c10d's Gloo, from LibTorch; and over NCCL about what is on their GPUs,
// in a program that was built with it. Nothing else includes c10d.
#pragma once

#include <memory>

#include "dragoman/training/ranks/communicator.h"
#include "dragoman/training/ranks/launch.h"

namespace dragoman {

/// Meets the other ranks of `launch`, whose size is 2 or more. A rank that does not come within
/// `timeout` seconds, and later one that ends or does not answer for so long, is a SystemError.
/// UsageError in a program that was built without Gloo's headers.
[[nodiscard]] std::unique_ptr<Communicator> connect_ranks(const Launch& launch, double timeout);

}  // namespace dragoman
