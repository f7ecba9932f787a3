// dragoman config: the reference of every key, the defaults, and the check of a document.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/run_config.h"
#include "dragoman/data/config.h"
#include "dragoman/data/file.h"

namespace dragoman {

namespace {

constexpr std::string_view kIntroduction = R"(# Configuration

This page is written by `dragoman config`. A configuration is one JSON document (`//` and `/* */` comments
are allowed) with the sections below; a key that is not given has its default. Any key can be set on the
command line as well: `dragoman train run.json --set training.max_steps=2000 --set data.train[0].weight=2`.
`dragoman config --check run.json` names every mistake at once; `dragoman config --defaults` prints a
document with all defaults.

)";

struct ConfigOptions {
  std::string check;
  std::vector<std::string> overrides;
  bool shows_defaults = false;
};

void run(const ConfigOptions& options) {
  if (!options.check.empty()) {
    const auto config =
        parse_config<RunConfig>(read_file(options.check), options.check, options.overrides);
    fmt::print("{}: fine. {} training corpora, {} updates at most, run directory {}.\n",
               options.check, config.data.train.size(), config.training.max_steps,
               config.training.output);
  } else if (options.shows_defaults) {
    fmt::print("{}",
               to_json_text(parse_config<RunConfig>("{}", "command line", options.overrides)));
  } else {
    RunConfig config;
    fmt::print("{}{}", kIntroduction, document_config(describe(config)));
  }
}

}  // namespace

void add_config(CLI::App& program) {
  auto options = std::make_shared<ConfigOptions>();
  auto* command = program.add_subcommand(
      "config", "Print the reference of all settings, or check a configuration");
  auto* check = command->add_option("--check", options->check, "check this document")
                    ->type_name("CONFIG.json");
  command->add_flag("--defaults", options->shows_defaults, "print a document with all defaults")
      ->excludes(check);
  command
      ->add_option("--set", options->overrides, "override a setting, e.g. training.max_steps=2000")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->take_all();
  command->callback([options] { run(*options); });
}

}  // namespace dragoman
