// The precompiled header of every target that uses LibTorch's modules. What few files need
// (custom_function.h, say) stays out: all others would pay for it.
#pragma once

#include <ATen/ATen.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/pimpl.h>

#include <string>
#include <vector>
