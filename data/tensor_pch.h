// The precompiled header of targets that use LibTorch's tensors and nothing more of it.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>
#include <vector>
