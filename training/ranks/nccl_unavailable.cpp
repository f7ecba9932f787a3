// In place of nccl_group.cpp where LibTorch has no CUDA or CMake found no header of NCCL.
#include "dragoman/training/ranks/nccl_group.h"

namespace dragoman {

c10::intrusive_ptr<c10d::Backend> make_nccl_group(const c10::intrusive_ptr<c10d::Store>&, int, int,
                                                  std::chrono::milliseconds) {
  return {};
}

}  // namespace dragoman
