// dragoman: trains, averages, evaluates and runs translation models. One file per command.

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "apps/build_info.h"
#include "apps/command_line.h"
#include "apps/commands.h"
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {

/// By default glibc hands blocks of some megabytes back to the system as soon as they are free, and
/// every step of training and search then faults them in again.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

/// Output that did not arrive is a failure, but not when its reader had enough of it.
int flush_output(int status) {
  constexpr int kSystemFailure = 5;
  const bool failed = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  if (failed && errno != EPIPE && status == 0) {
    std::fprintf(stderr, "dragoman: standard output: cannot be written: %s.\n",
                 std::strerror(errno));
    status = kSystemFailure;
  }
  std::fflush(stderr);
  return status;
}

}  // namespace

int main(int argument_count, char** arguments) {
  keep_freed_memory();
  // A closed pipe is an error of the write that meets it, not the end of a training run whose log
  // nobody reads any more.
  std::signal(SIGPIPE, SIG_IGN);

  CLI::App program("Translation and summarisation models: train, translate, evaluate.", "dragoman");
  program.set_version_flag("--version", dragoman::version_text());
  program.add_flag_callback(
      "--build-info", [] { throw CLI::CallForVersion(dragoman::build_info(), 0); },
      "Print the versions of all libraries, the compiler and the processor's features");
  program.require_subcommand(1);
  dragoman::add_train(program);
  dragoman::add_translate(program);
  dragoman::add_score(program);
  dragoman::add_evaluate(program);
  dragoman::add_average(program);
  dragoman::add_tokenizer(program);
  dragoman::add_inspect(program);
  dragoman::add_export(program);
  dragoman::add_import(program);
  dragoman::add_quantize(program);
  dragoman::add_report(program);
  dragoman::add_doctor(program);
  dragoman::add_shortlist(program);
  dragoman::add_config(program);

  const int status = flush_output(dragoman::run_command_line(program, argument_count, arguments));
  // Every file is closed and flushed by now; LibTorch's static destructors would only cost time.
  std::_Exit(status);
}
