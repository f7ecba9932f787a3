// The one macro of the tree. A function marked DRAGOMAN_MULTIVERSION is compiled for several
// instruction sets, and the processor's best is picked when the program starts. A macro, because
// the attribute is an error outside GCC on x86-64, and because a sanitised program cannot pick that
// early.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define DRAGOMAN_MULTIVERSION [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#else
#define DRAGOMAN_MULTIVERSION
#endif
