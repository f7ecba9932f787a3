// What a run directory tells about its training: log.jsonl read as one history, whatever was
// interrupted, resumed or cut off in between, and config.json.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/curve.h"

namespace dragoman {

/// How a line of the development set was translated as training went on.
struct SampleHistory {
  std::string source, reference;
  std::map<std::int64_t, std::string> translations;  ///< by update
};

/// One measurement of every layer; the columns belong to RunHistory::layers.
struct LayerMeasurement {
  std::vector<double> gradient, weight, update;
};

/// A warning, or one of started, resumed, finished, failed.
struct RunNotice {
  std::int64_t step = 0;
  double time = 0.0;  ///< seconds since 1970
  std::string kind, text;
};

struct RunHistory {
  std::string path;
  nlohmann::ordered_json config;             ///< null: there is none that can be read
  nlohmann::ordered_json environment;        ///< of the last process; null: not logged
  nlohmann::ordered_json start;              ///< device, precision, threads, parameters
  nlohmann::ordered_json data;               ///< the last counts of the filters; null: none
  std::map<std::string, Curve> training;     ///< by the log's key: loss, nll, lr, ...
  std::map<std::string, Curve> development;  ///< the same: loss, bleu, ...
  std::vector<std::string> layers;
  std::map<std::int64_t, LayerMeasurement> measurements;
  std::vector<SampleHistory> samples;
  std::vector<RunNotice> notices;
  std::int64_t best_step = 0;  ///< 0: never validated
  std::int64_t damaged_lines = 0;
  double last_time = 0.0;  ///< of the last event, seconds since 1970
  double usual_gap = 0.0;  ///< the longest time between two events of the last process
};

/// Reads the run in `directory`. What a resumed run did again replaces what it did before; a last
/// line that is not complete is passed over, other damaged ones are counted. Throws DataError when
/// there is no log.
[[nodiscard]] RunHistory read_run(const std::string& directory);

enum class RunState { finished, interrupted, failed, running, silent };
constexpr auto names(RunState) {
  return std::to_array<std::pair<std::string_view, RunState>>(
      {{"finished", RunState::finished},
       {"interrupted", RunState::interrupted},
       {"failed", RunState::failed},
       {"running", RunState::running},
       {"silent", RunState::silent}});
}

/// `now` in seconds since 1970: a run that never said that it ended is running while its log is
/// young, and silent (killed, or the machine went down) afterwards.
[[nodiscard]] RunState state_of(const RunHistory& run, double now);

}  // namespace dragoman
