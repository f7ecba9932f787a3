// dragoman average: the mean of the weights of several checkpoints.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "dragoman/data/error.h"
#include "dragoman/training/average.h"

namespace dragoman {

namespace {

struct AverageOptions {
  std::string output;
  std::vector<std::string> inputs;
  std::int64_t last = 0;
  std::int64_t best = 0;
};

std::vector<std::string> chosen_checkpoints(const AverageOptions& options) {
  if (options.last == 0 && options.best == 0) return options.inputs;
  if (options.inputs.size() != 1) {
    throw UsageError(fmt::format("average: --last and --best take one run directory, {} are given.",
                                 options.inputs.size()));
  }
  const auto& run = options.inputs[0];
  return options.last > 0 ? last_checkpoints(run, options.last)
                          : best_checkpoints(run, options.best);
}

void average(const AverageOptions& options) {
  const auto paths = chosen_checkpoints(options);
  const auto wanted = options.last + options.best;
  if (static_cast<std::int64_t>(paths.size()) < wanted) {
    fmt::print(stderr, "{}: has {} of the {} checkpoints asked for.\n", options.inputs[0],
               paths.size(), wanted);
  }
  average_checkpoints(paths, options.output);
  fmt::print(stderr, "{}: average of {} checkpoints:\n  {}\n", options.output, paths.size(),
             fmt::join(paths, "\n  "));
}

}  // namespace

void add_average(CLI::App& program) {
  auto options = std::make_shared<AverageOptions>();
  auto* command =
      program.add_subcommand("average", "Average the weights of checkpoints into one model");
  command->add_option("--output,-o", options->output, "the model to write")
      ->required()
      ->type_name("MODEL.pt");
  command
      ->add_option("inputs", options->inputs,
                   "checkpoints; with --last or --best, one run directory")
      ->required()
      ->type_name("PATH");
  auto* last =
      command->add_option("--last", options->last, "take the newest K checkpoints of a run")
          ->type_name("K")
          ->check(CLI::Range(1, 100000));
  command
      ->add_option("--best", options->best,
                   "take the best K checkpoints of a run, by its best_metric")
      ->type_name("K")
      ->check(CLI::Range(1, 100000))
      ->excludes(last);
  command->callback([options] { average(*options); });
}

}  // namespace dragoman
