// The only way to Catch2. c10's logging header and Catch2 both define CHECK, and whichever comes
// last wins without a warning: LibTorch first, Catch after, so that a failed CHECK fails a test and
// goes on.
#pragma once

#if __has_include(<c10/util/Logging.h>)
#include <c10/util/Logging.h>
#endif
#undef CHECK

#include <catch2/catch.hpp>
