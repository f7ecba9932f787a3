#include "apps/run_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "dragoman/data/error.h"
#include "dragoman/training/run_directory.h"

namespace dragoman {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

/// Fields of events that say where the run is, not how it goes.
const std::set<std::string> kNotCurves = {"event", "time", "step", "epoch", "eta", "best"};

template <typename Value>
Value value_or(const Json& event, const char* key, Value fallback) {
  const auto found = event.find(key);
  if (found == event.end()) return fallback;
  if constexpr (std::is_same_v<Value, std::string>) {
    return found->is_string() ? found->get<std::string>() : fallback;
  } else {
    return found->is_number() ? found->get<Value>() : fallback;
  }
}

/// nothing: not a list of finite numbers of that size
std::optional<std::vector<double>> numbers(const Json& event, const char* key, std::size_t size) {
  const auto found = event.find(key);
  if (found == event.end() || !found->is_array() || found->size() != size) return {};
  std::vector<double> values;
  for (const Json& value : *found) {
    if (!value.is_number()) return {};
    values.push_back(value.get<double>());
  }
  return values;
}

/// Source, reference and translation; the first logs had them in one text. Empty: not to be told.
std::vector<std::string> sample_texts(const Json& event) {
  if (!event.contains("text"))
    return {value_or<std::string>(event, "source", ""),
            value_or<std::string>(event, "reference", ""),
            value_or<std::string>(event, "translation", "")};
  constexpr std::string_view kBetween = " | ";
  std::string rest = value_or<std::string>(event, "text", "");
  std::vector<std::string> texts;
  for (std::size_t end; (end = rest.find(kBetween)) != std::string::npos;) {
    texts.push_back(rest.substr(0, end));
    rest = rest.substr(end + kBetween.size());
  }
  texts.push_back(rest);
  return texts.size() == 3 ? texts : std::vector<std::string>{};
}

class HistoryReader {
 public:
  explicit HistoryReader(RunHistory& run) : run_(run) {}

  void add(const Json& event) {
    const std::string name = value_or<std::string>(event, "event", "");
    const double time = value_or(event, "time", run_.last_time);
    step_ = value_or(event, "step", step_);
    if (name == "started" || name == "resumed") begin(name, event);
    if (name != "started" && name != "resumed" && name != "environment" && run_.last_time > 0.0)
      run_.usual_gap = std::max(run_.usual_gap, time - run_.last_time);
    run_.last_time = time;
    if (name == "train") curves(run_.training, event);
    if (name == "validation") validation(event);
    if (name == "norms") norms(event);
    if (name == "sample") sample(event);
    if (name == "data") run_.data = event;
    if (name == "environment") run_.environment = event;
    if (name == "started" || name == "resumed") notice(name, "");
    if (name == "finished") notice(name, value_or<std::string>(event, "reason", ""));
    if (name == "warning" || name == "failed")
      notice(name, value_or<std::string>(event, "message", ""));
  }

 private:
  /// A process begins at `step_`: what an earlier one did behind it did not last.
  void begin(const std::string& name, const Json& event) {
    step_ = value_or<std::int64_t>(event, "step", 0);
    run_.start = event;
    run_.usual_gap = 0.0;
    for (auto* group : {&run_.training, &run_.development})
      for (auto& [key, curve] : *group)
        curve.cut(step_);
    run_.measurements.erase(run_.measurements.upper_bound(step_), run_.measurements.end());
    for (SampleHistory& sample : run_.samples)
      sample.translations.erase(sample.translations.upper_bound(step_), sample.translations.end());
    best_.erase(best_.upper_bound(step_), best_.end());
    run_.best_step = best_.empty() ? 0 : *best_.rbegin();
    // A run that starts anew in the folder of another one is not that one.
    if (name == "started") run_.notices.clear();
  }

  void curves(std::map<std::string, Curve>& group, const Json& event) const {
    for (const auto& [key, value] : event.items())
      if (!kNotCurves.contains(key) && value.is_number() && std::isfinite(value.get<double>()))
        group[key].set(step_, value.get<double>());
  }

  void validation(const Json& event) {
    curves(run_.development, event);
    best_.erase(step_);
    const auto best = event.find("best");
    if (best != event.end() && best->is_boolean() && best->get<bool>()) best_.insert(step_);
    run_.best_step = best_.empty() ? 0 : *best_.rbegin();
  }

  void norms(const Json& event) {
    const auto listed = event.find("layers");
    if (listed == event.end() || !listed->is_array()) return;
    std::vector<std::string> layers;
    for (const Json& layer : *listed)
      layers.push_back(layer.is_string() ? layer.get<std::string>() : layer.dump());
    if (layers != run_.layers) run_.measurements.clear();  // another model
    run_.layers = layers;
    const auto gradient = numbers(event, "gradient", layers.size());
    const auto weight = numbers(event, "weight", layers.size());
    const auto update = numbers(event, "update", layers.size());
    if (gradient && weight && update) run_.measurements[step_] = {*gradient, *weight, *update};
  }

  void sample(const Json& event) {
    const std::vector<std::string> texts = sample_texts(event);
    if (texts.empty()) return;
    auto known = std::ranges::find_if(run_.samples, [&](const SampleHistory& sample) {
      return sample.source == texts[0] && sample.reference == texts[1];
    });
    if (known == run_.samples.end()) known = run_.samples.insert(known, {texts[0], texts[1], {}});
    known->translations[step_] = texts[2];
  }

  void notice(const std::string& kind, std::string text) {
    run_.notices.push_back({step_, run_.last_time, kind, std::move(text)});
  }

  RunHistory& run_;
  std::int64_t step_ = 0;
  std::set<std::int64_t> best_;  ///< validations that were the best so far
};

}  // namespace

RunHistory read_run(const std::string& directory) {
  const RunDirectory folder(directory);
  if (!fs::is_directory(directory))
    throw DataError(fmt::format(
        "{}: is no folder. Give run directories, which training.output names.", directory));
  std::ifstream log(folder.log());
  if (!log)
    throw DataError(
        fmt::format("{}: holds no log.jsonl that can be read. Give run directories, "
                    "which training.output names.",
                    directory));
  RunHistory run;
  run.path = directory;
  HistoryReader reader(run);
  for (std::string line; std::getline(log, line);) {
    const Json event = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (event.is_object()) {
      reader.add(event);
    } else if (!log.eof()) {  // the last line may still be written
      ++run.damaged_lines;
    }
  }
  if (run.last_time == 0.0)
    throw DataError(fmt::format(
        "{}: tells of no training: it is empty, or no log of dragoman train.", folder.log()));
  std::ifstream config(folder.config());
  if (config) run.config = Json::parse(config, nullptr, /*allow_exceptions=*/false);
  if (!run.config.is_object()) run.config = nullptr;
  return run;
}

RunState state_of(const RunHistory& run, double now) {
  constexpr double kPatience = 600.0;  // seconds
  const auto last = std::find_if(run.notices.rbegin(), run.notices.rend(),
                                 [](const RunNotice& notice) { return notice.kind != "warning"; });
  const std::string kind = last == run.notices.rend() ? "" : last->kind;
  if (kind == "failed") return RunState::failed;
  if (kind == "finished")
    return last->text == "interrupted" ? RunState::interrupted : RunState::finished;
  return now - run.last_time > std::max(kPatience, 3.0 * run.usual_gap) ? RunState::silent
                                                                        : RunState::running;
}

}  // namespace dragoman
