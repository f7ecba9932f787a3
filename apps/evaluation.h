// What `dragoman evaluate` is asked for, what it found, and how that is written.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dragoman/data/metrics/significance.h"
#include "dragoman/data/metrics/statistics.h"
#include "dragoman/data/metrics/ter.h"

namespace dragoman {

using Lines = std::vector<std::string>;

/// The names of an enumeration's values, as flags take them.
template <typename Enum>
std::vector<std::string> known_names() {
  std::vector<std::string> result;
  for (const auto& entry : names(Enum{}))
    result.emplace_back(entry.first);
  return result;
}

template <typename Enum>
Enum from_name(const std::string& name) {
  const auto table = names(Enum{});
  return std::ranges::find(table, name, [](const auto& entry) { return entry.first; })->second;
}

struct EvaluateOptions {
  std::vector<std::string> hypotheses;
  std::vector<std::string> references;
  std::vector<std::string> metrics = {"bleu"};
  std::string tokenizer = "13a";
  bool is_lowercase = false;
  std::string smoothing = "exp";
  std::optional<double> smoothing_value;
  TerOptions ter;
  bool has_whitespace = false;
  bool has_stemmer = false;
  std::optional<std::string> sentence_separator;
  std::optional<std::int64_t> confidence;
  std::string paired;
  std::optional<std::int64_t> trials;
  std::uint64_t seed = 12345;
  bool is_sentence_level = false;
  bool is_tokenized = false;
  std::string format = "text";
  int width = 2;
  std::string invalid_text = "error";
};

/// One metric with its options bound.
struct EvaluationMetric {
  std::string name;
  std::function<Statistics(const Lines&, const std::vector<Lines>&)> statistics;
  ScoreFunction score;
  std::function<std::string(std::span<const double>)> details;
  std::function<std::string(std::int64_t, const SignatureSampling&)> signature;
};

/// What --metrics takes.
[[nodiscard]] std::vector<std::string> metric_names();
[[nodiscard]] bool is_rouge(const std::string& name);
/// The metrics that are asked for, in order.
[[nodiscard]] std::vector<EvaluationMetric> make_metrics(const EvaluateOptions& options);

/// What one system reached in one metric.
struct MetricResult {
  Statistics statistics;
  double score = 0.0;
  std::string details;
  std::optional<ConfidenceInterval> confidence;
  std::optional<double> p_value;
};

struct EvaluatedSystem {
  std::string name;
  Lines lines;
  std::vector<MetricResult> results;  ///< one for each metric
};

/// A line for each metric, or a table for several systems, or JSON; on standard output.
void write_report(const EvaluateOptions& options, const std::vector<EvaluationMetric>& metrics,
                  const std::vector<EvaluatedSystem>& systems,
                  const std::vector<std::string>& signatures);

/// A line for each sentence and metric, or a JSON object for each sentence; on standard output.
void write_sentences(const EvaluateOptions& options, const std::vector<EvaluationMetric>& metrics,
                     const EvaluatedSystem& system, const std::vector<std::string>& signatures);

}  // namespace dragoman
