// The program's command line: parsing with advice for what is misspelt, and errors as exit
// statuses.
#pragma once

namespace CLI {
class App;
}

namespace dragoman {

/// Parses the arguments and runs the command that they name. Whatever goes wrong is one message on
/// standard error. Returns the exit status: 0, 2 (usage), 3 (data), 4 (model), 5 (system), 1
/// (else).
[[nodiscard]] int run_command_line(CLI::App& program, int argument_count, char** arguments);

}  // namespace dragoman
