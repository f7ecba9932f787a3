#include "apps/ranks.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

#include "dragoman/training/ranks/collectives.h"
#include "dragoman/training/ranks/gloo_communicator.h"
#include "dragoman/training/single_process.h"

namespace dragoman {
namespace {

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

/// The cores that this process may use, shared among the ranks of the machine unless the launcher
/// has given each its own.
std::int64_t cores_of_rank(const Launch& launch) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  const std::int64_t all = std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN));
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  const std::int64_t usable = CPU_COUNT(&allowed);
  return usable < all ? usable : std::max<std::int64_t>(1, usable / launch.local_size);
}

/// What each rank has for itself.
void settle(TrainingConfig& training, const Launch& launch) {
  if (training.threads == 0) training.threads = cores_of_rank(launch);
  if (training.device == "cuda") training.device = fmt::format("cuda:{}", launch.local_rank);
}

}  // namespace

Ranks join_ranks(const std::string& path, const std::vector<std::string>& overrides, bool resume,
                 Log& log) {
  Ranks ranks{.launch = launch_of(environment_variable), .communicator = nullptr};
  ranks.resume = resume || ranks.launch.restarts > 0;
  if (ranks.launch.size == 1) {
    ranks.communicator = std::make_unique<SingleProcess>();
    return ranks;
  }
  NullLog nowhere;
  const double timeout =
      read_run_config(path, overrides, ranks.resume, nowhere).training.communication_timeout;
  ranks.communicator = connect_ranks(ranks.launch, timeout);
  if (ranks.communicator->is_first())
    log.info(fmt::format("ranks={} address={}:{} restarts={}", ranks.launch.size,
                         ranks.launch.address, ranks.launch.port, ranks.launch.restarts));
  return ranks;
}

RunSetup prepare_run(const std::string& path, const std::vector<std::string>& overrides,
                     const Ranks& ranks, Log& log) {
  Communicator& communicator = *ranks.communicator;
  if (communicator.size() == 1) return prepare_run(path, overrides, ranks.resume, log);
  std::optional<RunSetup> setup;
  let_first_work(communicator, [&] {
    setup = prepare_run(path, overrides, ranks.resume, log, ranks.launch.local_size);
  });
  std::vector<std::string> files;  // each file's name and content
  if (setup)
    for (const auto& [name, content] : setup->bundle)
      files.insert(files.end(), {name, content});
  files = of_first(communicator, files);
  if (!setup) {
    std::map<std::string, std::string> bundle;
    for (std::size_t index = 0; index + 1 < files.size(); index += 2)
      bundle[files[index]] = files[index + 1];
    setup = setup_from_bundle(std::move(bundle));
  }
  settle(setup->config.training, ranks.launch);
  return std::move(*setup);
}

}  // namespace dragoman
