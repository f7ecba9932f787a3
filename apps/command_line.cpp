#include "apps/command_line.h"

#include <c10/util/Exception.h>
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "dragoman/data/error.h"
#include "dragoman/data/spelling.h"

namespace dragoman {

namespace {

constexpr int kUnknownFailure = 1;
constexpr int kUsageFailure = 2;
constexpr int kSystemFailure = 5;

/// Not fmt::print, which throws when standard error is closed.
int report(int status, std::string_view message) {
  std::fprintf(stderr, "dragoman: %.*s\n", static_cast<int>(message.size()), message.data());
  return status;
}

std::string_view first_line(std::string_view text) {
  return text.substr(0, text.find('\n'));
}

std::string advice(std::string_view word, const std::vector<std::string>& names) {
  const auto suggestion = nearest_spelling(word, names);
  return suggestion.empty() ? "" : fmt::format(" Did you mean {}?", suggestion);
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames())
      names.push_back("--" + name);
  }
  return names;
}

/// The innermost command that the arguments name.
const CLI::App& chosen_command(const CLI::App& program) {
  const CLI::App* command = &program;
  while (!command->get_subcommands().empty())
    command = command->get_subcommands().back();
  return *command;
}

/// "tokenizer encode"; empty for the program itself.
std::string command_path(const CLI::App& command) {
  const auto* parent = command.get_parent();
  if (parent == nullptr) return "";
  const auto prefix = command_path(*parent);
  return prefix.empty() ? command.get_name() : fmt::format("{} {}", prefix, command.get_name());
}

/// What is wrong with the arguments, with advice: unknown words first, since a misspelt flag is
/// often why another seems to be missing.
std::string usage_problem(const CLI::App& program, const CLI::ParseError& error) {
  const auto& command = chosen_command(program);
  const auto path = command_path(command);
  const auto commands = command_names(command);
  const auto say = [&](std::string_view problem) {
    return path.empty() ? fmt::format("{} See 'dragoman --help'.", problem)
                        : fmt::format("{}: {} See 'dragoman {} --help'.", path, problem, path);
  };
  for (const auto& word : command.remaining()) {
    if (word.starts_with("-")) {
      const auto flag = word.substr(0, word.find('='));
      return say(fmt::format("unknown flag {}.{}", flag, advice(flag, flag_names(command))));
    }
    if (!commands.empty()) {
      return say(fmt::format("unknown command {}.{}", word, advice(word, commands)));
    }
  }
  if (!commands.empty()) return say(fmt::format("name a command: {}.", fmt::join(commands, ", ")));
  const std::string text = error.what();
  return say(text.ends_with('.') ? text : text + '.');
}

int report_torch(const c10::Error& error) {
  const auto line = first_line(error.what_without_backtrace());
  const bool is_memory = dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
                         line.find("allocate memory") != std::string_view::npos;
  if (is_memory) return report(kSystemFailure, fmt::format("out of memory: {}", line));
  return report(kUnknownFailure, fmt::format("LibTorch: {}", line));
}

}  // namespace

int run_command_line(CLI::App& program, int argument_count, char** arguments) {
  try {
    program.parse(argument_count, arguments);
    return 0;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return program.exit(error);  // help, version
    return report(kUsageFailure, usage_problem(program, error));
  } catch (const Error& error) {
    return report(error.exit_code(), error.what());
  } catch (const c10::Error& error) {
    return report_torch(error);
  } catch (const std::system_error& error) {
    // Whoever read our output has had enough of it.
    if (error.code() == std::errc::broken_pipe) return 0;
    return report(kSystemFailure, fmt::format("{}.", error.what()));
  } catch (const std::bad_alloc&) {
    return report(kSystemFailure, "out of memory. Use smaller batches, or a machine with more.");
  } catch (const std::exception& error) {
    return report(kUnknownFailure, first_line(error.what()));
  } catch (...) {
    return report(kUnknownFailure, "an unknown error.");
  }
}

}  // namespace dragoman
