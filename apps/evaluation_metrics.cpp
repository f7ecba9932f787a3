// The metrics of dragoman evaluate: their names, and what each flag means to them.
#include <fmt/format.h>

#include "apps/evaluation.h"
#include "dragoman/data/metrics/bleu.h"
#include "dragoman/data/metrics/chrf.h"
#include "dragoman/data/metrics/exact_match.h"
#include "dragoman/data/metrics/rouge.h"
#include "dragoman/data/metrics/ter.h"

namespace dragoman {
namespace {

EvaluationMetric make_bleu(const EvaluateOptions& given) {
  BleuOptions options;
  options.tokenizer = from_name<BleuTokenizer>(given.tokenizer);
  options.lowercase = given.is_lowercase;
  options.smoothing = from_name<BleuSmoothing>(given.smoothing);
  options.smoothing_value = given.smoothing_value;
  options.effective_order = given.is_sentence_level;
  return {"BLEU",
          [options](const auto& lines, const auto& references) {
            return bleu_statistics(lines, references, options);
          },
          [options](auto sums) { return bleu_from_statistics(sums, options).score; },
          [options](auto sums) { return bleu_from_statistics(sums, options).details(); },
          [options](auto references, const auto& sampling) {
            return bleu_signature(options, references, sampling);
          }};
}

EvaluationMetric make_chrf(const EvaluateOptions& given, int word_order) {
  const ChrfOptions options{.word_order = word_order,
                            .lowercase = given.is_lowercase,
                            .whitespace = given.has_whitespace};
  return {chrf_name(options),
          [options](const auto& lines, const auto& references) {
            return chrf_statistics(lines, references, options);
          },
          [options](auto sums) { return chrf_from_statistics(sums, options).score; },
          [](auto) { return ""; },
          [options](auto references, const auto& sampling) {
            return chrf_signature(options, references, sampling);
          }};
}

EvaluationMetric make_ter(const EvaluateOptions& given) {
  return {"TER",
          [options = given.ter](const auto& lines, const auto& references) {
            return ter_statistics(lines, references, options);
          },
          [](auto sums) { return ter_from_statistics(sums).score; }, [](auto) { return ""; },
          [options = given.ter](auto references, const auto& sampling) {
            return ter_signature(options, references, sampling);
          }};
}

EvaluationMetric make_exact_match() {
  return {"exact match",
          [](const auto& lines, const auto& references) {
            return exact_match_statistics(lines, references);
          },
          [](auto sums) { return exact_match_from_statistics(sums); },
          [](auto sums) { return fmt::format("{:.0f} of {:.0f} lines", sums[0], sums[1]); },
          [](auto references, const auto& sampling) {
            return exact_match_signature(references, sampling);
          }};
}

EvaluationMetric make_rouge(const EvaluateOptions& given, const std::string& name) {
  RougeOptions options{.stemmer = given.has_stemmer,
                       .sentence_separator = given.sentence_separator};
  if (name == "rougeL") {
    options.unit = RougeUnit::subsequence;
  } else if (name == "rougeLsum") {
    options.unit = RougeUnit::sentences;
  } else {
    options.order = name.back() - '0';
  }
  return {rouge_name(options),
          [options](const auto& lines, const auto& references) {
            return rouge_statistics(lines, references, options);
          },
          [](auto sums) { return rouge_from_statistics(sums).score; },
          [](auto sums) { return rouge_from_statistics(sums).details(); },
          [options](auto references, const auto& sampling) {
            return rouge_signature(options, references, sampling);
          }};
}

}  // namespace

std::vector<std::string> metric_names() {
  std::vector<std::string> result = {"bleu", "chrf", "chrf++", "ter", "exact", "rouge"};
  for (char order = '1'; order <= '9'; ++order)
    result.push_back(std::string("rouge") + order);
  result.insert(result.end(), {"rougeL", "rougeLsum"});
  return result;
}

bool is_rouge(const std::string& name) {
  return name.starts_with("rouge");
}

std::vector<EvaluationMetric> make_metrics(const EvaluateOptions& options) {
  std::vector<EvaluationMetric> metrics;
  for (const auto& name : options.metrics) {
    if (name == "bleu") metrics.push_back(make_bleu(options));
    if (name == "chrf") metrics.push_back(make_chrf(options, 0));
    if (name == "chrf++") metrics.push_back(make_chrf(options, 2));
    if (name == "ter") metrics.push_back(make_ter(options));
    if (name == "exact") metrics.push_back(make_exact_match());
    if (name == "rouge") {
      for (const char* variant : {"rouge1", "rouge2", "rougeL", "rougeLsum"})
        metrics.push_back(make_rouge(options, variant));
    } else if (is_rouge(name)) {
      metrics.push_back(make_rouge(options, name));
    }
  }
  return metrics;
}

}  // namespace dragoman
