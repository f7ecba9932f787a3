// dragoman train as one of several processes: who they are, and how they come to the same setup.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/run_setup.h"
#include "dragoman/data/log.h"
#include "dragoman/training/ranks/communicator.h"
#include "dragoman/training/ranks/launch.h"

namespace dragoman {

struct Ranks {
  Launch launch;
  std::unique_ptr<Communicator> communicator;  ///< of one process, or of all ranks
  bool resume = false;  ///< asked for, or the launcher has started the run again
};

/// Finds in the environment what this process is part of, and meets the others. Throws UsageError,
/// SystemError.
[[nodiscard]] Ranks join_ranks(const std::string& path, const std::vector<std::string>& overrides,
                               bool resume, Log& log);

/// As prepare_run without ranks, which rank 0 alone does: the others get the configuration and the
/// tokenisers from it. Threads and device are each rank's own.
[[nodiscard]] RunSetup prepare_run(const std::string& path,
                                   const std::vector<std::string>& overrides, const Ranks& ranks,
                                   Log& log);

}  // namespace dragoman
