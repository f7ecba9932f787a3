// What `dragoman train` needs before the first update: the resolved configuration and the
// tokenisers of a run, taken from its directory when it exists already.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/run_config.h"
#include "dragoman/data/log.h"
#include "dragoman/inference/batch_translator.h"
#include "dragoman/training/warm_start.h"

namespace dragoman {

struct RunSetup {
  RunConfig config;  ///< paths resolved, vocabulary sizes filled in
  PairEncoder encoder;
  std::map<std::string, std::string> bundle;  ///< config.json, source.spm[, target.spm]
  std::optional<Pretrained> initial;  ///< training.init_from, unless the run has begun already
  Transformer teacher{nullptr};       ///< training.teacher; null: none
};

/// Reads the configuration at `path`, trains or loads the tokenisers (those of training.init_from
/// or training.teacher when no others are given), and writes config.json and
/// the tokenisers into the run directory. When the directory holds checkpoints: with `resume` its
/// tokenisers are used and a changed model or tokeniser is refused (UsageError, all differences
/// named); without it, UsageError. `processes`: of the run on this machine.
[[nodiscard]] RunSetup prepare_run(const std::string& path,
                                   const std::vector<std::string>& overrides, bool resume, Log& log,
                                   std::int64_t processes = 1);

/// The configuration at `path` as `prepare_run` takes it, with nothing resolved.
[[nodiscard]] RunConfig read_run_config(const std::string& path,
                                        const std::vector<std::string>& overrides, bool resume,
                                        Log& log);

/// What `prepare_run` made, from its bundle alone, for a rank that leaves the run directory to
/// another. Without `initial`.
[[nodiscard]] RunSetup setup_from_bundle(std::map<std::string, std::string> bundle);

}  // namespace dragoman
