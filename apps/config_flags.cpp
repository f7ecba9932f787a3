#include "apps/config_flags.h"

#include <CLI/CLI.hpp>

namespace dragoman {

void add_config_options(CLI::App& command, std::string& config,
                        std::vector<std::string>& overrides) {
  command.add_option("config", config, "the configuration, a JSON file")
      ->required()
      ->type_name("CONFIG.json");
  command.add_option("--set", overrides, "override a setting, e.g. training.max_steps=2000")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false)
      ->take_all();
}

}  // namespace dragoman
