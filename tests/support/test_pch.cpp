// CMake builds the precompiled header only for a target with a source that uses it.
#include "tests/support/test_pch.h"
