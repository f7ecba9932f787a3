// The precompiled header of the tests that use LibTorch's modules.
#pragma once

#include "modules/torch_pch.h"
#include "tests/support/catch.h"
