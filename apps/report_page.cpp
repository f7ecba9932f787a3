#include "apps/report_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "apps/build_info.h"
#include "apps/embedded_pages.h"
#include "apps/page_data.h"

namespace dragoman {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::size_t kPoints = 1000;       // of a curve, each with its extremes
constexpr std::size_t kColumns = 400;       // of a heat map
constexpr std::size_t kNotices = 200;       // of one run
constexpr std::size_t kTranslations = 200;  // of one line

/// As many digits as a screen shows.
double shortened(double value) {
  if (value == 0.0 || !std::isfinite(value)) return 0.0;
  const double scale = std::pow(10.0, 5.0 - std::floor(std::log10(std::abs(value))));
  return std::isfinite(scale) ? std::round(value * scale) / scale : value;
}

Json shortened(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values)
    list.push_back(shortened(value));
  return list;
}

Json to_json(const Curve& curve) {
  const ThinCurve thinned = thin(curve, kPoints);
  Json json{{"x", thinned.steps}, {"y", shortened(thinned.values)}};
  if (!thinned.low.empty()) {
    json["low"] = shortened(thinned.low);
    json["high"] = shortened(thinned.high);
  }
  return json;
}

Json to_json(const std::map<std::string, Curve>& curves) {
  Json json = Json::object();
  for (const auto& [key, curve] : curves)
    if (!curve.steps.empty()) json[key] = to_json(curve);
  return json;
}

/// Columns of measurements that lie together show their greatest value.
Json layers_of(const RunHistory& run) {
  if (run.measurements.empty()) return nullptr;
  std::vector<std::pair<std::int64_t, const LayerMeasurement*>> all;
  for (const auto& [step, measurement] : run.measurements)
    all.emplace_back(step, &measurement);
  const std::size_t columns = std::min(all.size(), kColumns);
  Json json{{"names", run.layers},
            {"x", Json::array()},
            {"gradient", Json::array()},
            {"weight", Json::array()},
            {"update", Json::array()}};
  for (std::size_t column = 0; column < columns; ++column) {
    const std::size_t begin = column * all.size() / columns;
    const std::size_t end = (column + 1) * all.size() / columns;
    LayerMeasurement greatest = *all[begin].second;
    for (double& update : greatest.update)
      update = 0.0;
    for (std::size_t index = begin; index < end; ++index) {
      const LayerMeasurement& one = *all[index].second;
      for (std::size_t layer = 0; layer < run.layers.size(); ++layer) {
        greatest.gradient[layer] = std::max(greatest.gradient[layer], one.gradient[layer]);
        greatest.weight[layer] = std::max(greatest.weight[layer], one.weight[layer]);
        if (one.weight[layer] > 0.0)
          greatest.update[layer] =
              std::max(greatest.update[layer], one.update[layer] / one.weight[layer]);
      }
    }
    json["x"].push_back(all[end - 1].first);
    json["gradient"].push_back(shortened(greatest.gradient));
    json["weight"].push_back(shortened(greatest.weight));
    json["update"].push_back(shortened(greatest.update));
  }
  return json;
}

/// All, or as many as the page takes, spread over the run; the last and the best stay.
Json translations_of(const SampleHistory& sample, std::int64_t best_step) {
  const std::size_t every = sample.translations.size() / kTranslations + 1;
  Json list = Json::array();
  std::size_t place = 0;
  for (const auto& [step, text] : sample.translations) {
    ++place;
    if (place % every == 0 || step == best_step || place == sample.translations.size())
      list.push_back({{"step", step}, {"text", text}});
  }
  return list;
}

Json samples_of(const RunHistory& run) {
  Json list = Json::array();
  for (const SampleHistory& sample : run.samples)
    if (!sample.translations.empty())
      list.push_back({{"source", sample.source},
                      {"reference", sample.reference},
                      {"translations", translations_of(sample, run.best_step)}});
  return list;
}

Json notices_of(const RunHistory& run) {
  Json list = Json::array();
  const std::size_t left_out =
      run.notices.size() > kNotices ? run.notices.size() - kNotices : std::size_t{0};
  if (left_out > 0)
    list.push_back({{"step", 0},
                    {"time", run.notices.front().time},
                    {"kind", "note"},
                    {"text", fmt::format("{} earlier events are left out", left_out)}});
  for (std::size_t index = left_out; index < run.notices.size(); ++index) {
    const RunNotice& notice = run.notices[index];
    list.push_back({{"step", notice.step},
                    {"time", notice.time},
                    {"kind", notice.kind},
                    {"text", notice.text}});
  }
  if (run.damaged_lines > 0)
    list.push_back({{"step", 0},
                    {"time", run.last_time},
                    {"kind", "note"},
                    {"text", fmt::format("{} damaged lines of log.jsonl are passed over",
                                         run.damaged_lines)}});
  return list;
}

std::string_view state_name(RunState state) {
  for (const auto& [name, value] : names(RunState{}))
    if (value == state) return name;
  return {};
}

/// The last folders of each path, as many as it takes to tell them apart.
std::vector<std::string> short_names(std::span<const RunHistory> runs) {
  std::vector<std::string> short_forms;
  for (std::size_t depth = 1; depth < 16; ++depth) {
    short_forms.clear();
    for (const RunHistory& run : runs) {
      fs::path rest = fs::absolute(run.path).lexically_normal();
      if (!rest.has_filename()) rest = rest.parent_path();
      fs::path name = rest.filename();
      for (std::size_t level = 1; level < depth && rest.has_parent_path(); ++level) {
        rest = rest.parent_path();
        name = rest.filename() / name;
      }
      short_forms.push_back(name.string());
    }
    if (std::set(short_forms.begin(), short_forms.end()).size() == runs.size()) break;
  }
  return short_forms;
}

}  // namespace

std::string report_page(std::span<const RunHistory> runs, double now) {
  const std::vector<std::string> names = short_names(runs);
  Json list = Json::array();
  for (std::size_t index = 0; index < runs.size(); ++index) {
    const RunHistory& run = runs[index];
    list.push_back({{"name", names[index]},
                    {"path", run.path},
                    {"state", state_name(state_of(run, now))},
                    {"lastTime", run.last_time},
                    {"bestStep", run.best_step},
                    {"config", run.config},
                    {"environment", run.environment},
                    {"start", run.start},
                    {"data", run.data},
                    {"training", to_json(run.training)},
                    {"development", to_json(run.development)},
                    {"layers", layers_of(run)},
                    {"samples", samples_of(run)},
                    {"notices", notices_of(run)}});
  }
  const Json data{{"version", version_text()}, {"now", now}, {"runs", std::move(list)}};
  return page_with_data(kReportPage, data.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace dragoman
