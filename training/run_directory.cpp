#include "dragoman/training/run_directory.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

struct StepFiles {
  std::set<std::int64_t> models;
  std::set<std::int64_t> states;
};

// "step-500.pt" with ending ".pt" -> 500
std::optional<std::int64_t> step_of(std::string_view file, std::string_view ending) {
  constexpr std::string_view kStart = "step-";
  if (!file.starts_with(kStart) || !file.ends_with(ending)) return {};
  file.remove_prefix(kStart.size());
  file.remove_suffix(ending.size());
  std::int64_t step = 0;
  const auto [end, error] = std::from_chars(file.begin(), file.end(), step);
  if (error != std::errc() || end != file.end()) return {};
  return step;
}

StepFiles step_files(const std::string& folder) {
  StepFiles files;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(folder, missing)) {
    const std::string file = entry.path().filename().string();
    if (const auto step = step_of(file, ".state.pt")) {
      files.states.insert(*step);
    } else if (const auto model = step_of(file, ".pt")) {
      files.models.insert(*model);
    }
  }
  return files;
}

}  // namespace

RunDirectory::RunDirectory(std::string path) : path_(std::move(path)) {}

void RunDirectory::create() const {
  std::error_code error;
  fs::create_directories(checkpoints(), error);
  if (error)
    throw SystemError(
        fmt::format("{}: the run directory cannot be made: {}. Give a folder that can "
                    "be written in training.output.",
                    checkpoints(), error.message()));
}

std::string RunDirectory::model(std::int64_t step) const {
  return fmt::format("{}/step-{}.pt", checkpoints(), step);
}

std::string RunDirectory::state(std::int64_t step) const {
  return fmt::format("{}/step-{}.state.pt", checkpoints(), step);
}

std::vector<std::int64_t> RunDirectory::complete_steps() const {
  const StepFiles files = step_files(checkpoints());
  std::vector<std::int64_t> steps;
  for (const std::int64_t step : files.models)
    if (files.states.contains(step)) steps.push_back(step);
  return steps;
}

std::vector<std::int64_t> RunDirectory::all_steps() const {
  StepFiles files = step_files(checkpoints());
  files.models.merge(files.states);
  return {files.models.begin(), files.models.end()};
}

bool has_checkpoints(const std::string& run) {
  return !RunDirectory(run).complete_steps().empty();
}

}  // namespace dragoman
