// In place of gloo_communicator.cpp where CMake found no headers of Gloo.
#include "dragoman/data/error.h"
#include "dragoman/training/ranks/gloo_communicator.h"

namespace dragoman {

std::unique_ptr<Communicator> connect_ranks(const Launch&, double) {
  throw UsageError(
      "this program was built without Gloo and trains in one process only. Install libgloo-dev and "
      "build it again, or start one process.");
}

}  // namespace dragoman
