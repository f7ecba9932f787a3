// The options of commands that work on a run's configuration.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace dragoman {

/// CONFIG.json, and --set KEY=VALUE any number of times.
void add_config_options(CLI::App& command, std::string& config,
                        std::vector<std::string>& overrides);

}  // namespace dragoman
