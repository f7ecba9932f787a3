#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "apps/evaluation.h"
#include "apps/line_output.h"
#include "dragoman/data/metrics/tokenize.h"

namespace dragoman {
namespace {

using Json = nlohmann::ordered_json;

std::string score_text(const MetricResult& result, int width) {
  std::string text = fmt::format("{:.{}f}", result.score, width);
  if (result.confidence)
    text += fmt::format(" (μ = {:.{}f} ± {:.{}f})", result.confidence->mean, width,
                        result.confidence->half_width, width);
  if (result.p_value)
    text += fmt::format(" (p = {:.4f}){}", *result.p_value, *result.p_value < 0.05 ? "*" : "");
  return text;
}

/// "BLEU|nrefs:1|... = 36.12 67.9/43.1/29.2/20.0 (BP = ...)", aligned at the equals sign.
std::string single_text(const std::vector<EvaluationMetric>& metrics, const EvaluatedSystem& system,
                        const std::vector<std::string>& signatures, int width) {
  std::vector<std::string> names;
  std::size_t longest = 0;
  for (std::size_t metric = 0; metric < metrics.size(); ++metric) {
    names.push_back(metrics[metric].name + "|" + signatures[metric]);
    longest = std::max(longest, names.back().size());
  }
  std::string text;
  for (std::size_t metric = 0; metric < metrics.size(); ++metric) {
    const MetricResult& result = system.results[metric];
    text += fmt::format("{:>{}} = {}{}{}\n", names[metric], longest, score_text(result, width),
                        result.details.empty() ? "" : " ", result.details);
  }
  return text;
}

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t length = to_code_points(text).size();
  return text + std::string(width - std::min(width, length), ' ');
}

/// A row for each system, a column for each metric.
std::vector<std::vector<std::string>> table_rows(const std::vector<EvaluationMetric>& metrics,
                                                 const std::vector<EvaluatedSystem>& systems,
                                                 const EvaluateOptions& options) {
  std::vector<std::vector<std::string>> rows{{"System"}};
  for (const auto& metric : metrics)
    rows.front().push_back(metric.name);
  for (const auto& system : systems) {
    const bool is_baseline = !options.paired.empty() && rows.size() == 1;
    rows.push_back({(is_baseline ? "Baseline: " : "") + system.name});
    for (const auto& result : system.results)
      rows.back().push_back(score_text(result, options.width));
  }
  return rows;
}

std::string table_text(const std::vector<EvaluationMetric>& metrics,
                       const std::vector<EvaluatedSystem>& systems,
                       const std::vector<std::string>& signatures, const EvaluateOptions& options) {
  const auto rows = table_rows(metrics, systems, options);
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (std::size_t column = 0; column < row.size(); ++column)
      widths[column] = std::max(widths[column], to_code_points(row[column]).size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t column = 0; column + 1 < row.size(); ++column)
      text += padded(row[column], widths[column] + 2);
    text += row.back() + '\n';
  }
  text += '\n';
  for (std::size_t metric = 0; metric < metrics.size(); ++metric)
    text += fmt::format("{}|{}\n", metrics[metric].name, signatures[metric]);
  if (!options.paired.empty())
    text += "p: how probable such a difference from the baseline is by chance; * means p < 0.05\n";
  return text;
}

Json result_json(const MetricResult& result) {
  Json json;
  json["score"] = result.score;
  if (!result.details.empty()) json["verbose_score"] = result.details;
  if (result.confidence) {
    json["confidence_mean"] = result.confidence->mean;
    json["confidence_var"] = result.confidence->half_width;
  }
  if (result.p_value) json["p_value"] = *result.p_value;
  return json;
}

/// sacreBLEU's keys, the fields of the signature among them; scores are not rounded.
Json single_json(const std::string& name, const MetricResult& result,
                 const std::string& signature) {
  Json json{{"name", name}};
  json.update(result_json(result));
  json["signature"] = signature;
  std::size_t start = 0;
  while (start < signature.size()) {
    const std::size_t end = std::min(signature.find('|', start), signature.size());
    const std::size_t colon = signature.find(':', start);
    json[signature.substr(start, colon - start)] = signature.substr(colon + 1, end - colon - 1);
    start = end + 1;
  }
  return json;
}

Json systems_json(const std::vector<EvaluationMetric>& metrics,
                  const std::vector<EvaluatedSystem>& systems,
                  const std::vector<std::string>& signatures) {
  Json json = Json::array();
  for (const auto& system : systems) {
    Json entry{{"system", system.name}};
    for (std::size_t metric = 0; metric < metrics.size(); ++metric) {
      entry[metrics[metric].name] = result_json(system.results[metric]);
      entry[metrics[metric].name]["signature"] = signatures[metric];
    }
    json.push_back(std::move(entry));
  }
  return json;
}

}  // namespace

void write_sentences(const EvaluateOptions& options, const std::vector<EvaluationMetric>& metrics,
                     const EvaluatedSystem& system, const std::vector<std::string>& signatures) {
  LineOutput output("-");
  for (std::size_t sentence = 0; sentence < system.lines.size(); ++sentence) {
    Json json{{"line", sentence + 1}};
    std::string text;
    for (std::size_t metric = 0; metric < metrics.size(); ++metric) {
      const auto& statistics = system.results[metric].statistics;
      const auto row = statistics.row(static_cast<std::int64_t>(sentence));
      const MetricResult result{
          {}, metrics[metric].score(row), metrics[metric].details(row), {}, {}};
      json[metrics[metric].name] = result_json(result);
      text += fmt::format("{}|{} = {}{}{}\n", metrics[metric].name, signatures[metric],
                          score_text(result, options.width), result.details.empty() ? "" : " ",
                          result.details);
    }
    if (!output.write(options.format == "json" ? json.dump() + '\n' : text)) return;
  }
  output.finish();
}

void write_report(const EvaluateOptions& options, const std::vector<EvaluationMetric>& metrics,
                  const std::vector<EvaluatedSystem>& systems,
                  const std::vector<std::string>& signatures) {
  std::string text;
  if (options.format == "json") {
    Json json = Json::array();
    if (systems.size() > 1) {
      json = systems_json(metrics, systems, signatures);
    } else {
      for (std::size_t metric = 0; metric < metrics.size(); ++metric)
        json.push_back(
            single_json(metrics[metric].name, systems.front().results[metric], signatures[metric]));
      if (metrics.size() == 1) json = Json(json.front());
    }
    text = json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
  } else if (systems.size() > 1) {
    text = table_text(metrics, systems, signatures, options);
  } else {
    text = single_text(metrics, systems.front(), signatures, options.width);
  }
  LineOutput output("-");
  if (output.write(text)) output.finish();
}

}  // namespace dragoman
