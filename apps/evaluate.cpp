// dragoman evaluate: BLEU, chrF, chrF++ and TER of translations, with sacreBLEU's definitions and
// output; ROUGE of summaries, with rouge-score's definitions.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/evaluation.h"
#include "dragoman/data/error.h"
#include "dragoman/data/line_reader.h"
#include "dragoman/data/metrics/bleu.h"
#include "dragoman/data/metrics/rouge.h"
#include "dragoman/data/metrics/significance.h"
#include "dragoman/data/metrics/tokenize.h"

namespace dragoman {
namespace {

std::string shown(const std::string& path) {
  return path == "-" ? "standard input" : path;
}

/// As sacreBLEU, without white space at the ends of lines.
Lines read_stripped(const std::string& path, const EvaluateOptions& options) {
  Lines lines = read_lines(path, from_name<InvalidText>(options.invalid_text));
  for (auto& line : lines) {
    const std::u32string text = to_code_points(line);
    const auto stripped = strip_right(text);
    if (stripped.size() < text.size()) line = to_utf8(stripped);
  }
  return lines;
}

void check_usage(const EvaluateOptions& options) {
  const auto files = options.hypotheses.size();
  const auto fail = [](const std::string& problem) {
    throw UsageError("dragoman evaluate: " + problem);
  };
  auto inputs = options.hypotheses;
  inputs.insert(inputs.end(), options.references.begin(), options.references.end());
  if (std::ranges::count(inputs, "-") > 1)
    fail("standard input is given more than once. Give files for the others.");
  if (!options.paired.empty() && files < 2)
    fail(
        fmt::format("--paired {} compares systems, and --hypotheses has one file. Give the "
                    "baseline first, then the others.",
                    options.paired));
  if (options.trials && options.paired.empty())
    fail("--trials belongs to --paired. For intervals use --confidence N.");
  if (options.smoothing_value && options.smoothing != "floor" && options.smoothing != "add-k")
    fail(
        fmt::format("--smoothing-value has no meaning for --smoothing {}. Use it with floor or "
                    "add-k.",
                    options.smoothing));
  if (options.sentence_separator && options.sentence_separator->empty())
    fail("--sentence-separator is empty. Give the text that ends sentences, such as '<q>'.");
  if (!options.is_sentence_level) return;
  if (files > 1)
    fail(fmt::format("--sentence-level takes one file of hypotheses, not {}. Call it for each.",
                     files));
  if (options.confidence) fail("--sentence-level has no --confidence. Leave one of them out.");
}

/// Hypotheses and references, checked against each other.
void read_input(const EvaluateOptions& options, std::vector<EvaluatedSystem>& systems,
                std::vector<Lines>& references) {
  for (const auto& path : options.references)
    references.push_back(read_stripped(path, options));
  for (const auto& path : options.hypotheses)
    systems.push_back({shown(path), read_stripped(path, options), {}});
  const auto& first = options.references.front();
  const std::size_t count = references.front().size();
  const auto check = [&](const std::string& path, std::size_t lines) {
    if (lines != count)
      throw DataError(
          fmt::format("{}: {} lines, but {} has {}. Give files that are aligned line "
                      "by line.",
                      shown(path), lines, shown(first), count));
  };
  for (std::size_t file = 0; file < references.size(); ++file)
    check(options.references[file], references[file].size());
  for (std::size_t file = 0; file < systems.size(); ++file)
    check(options.hypotheses[file], systems[file].lines.size());
  if (count == 0)
    throw DataError(fmt::format("{}: no lines. Give at least one line to score.", shown(first)));
}

void compare_with_baseline(const EvaluateOptions& options, const EvaluationMetric& metric,
                           MetricResult& baseline, MetricResult& result,
                           const Resampling& resampling) {
  if (options.paired == "bootstrap") {
    const auto test =
        paired_bootstrap(baseline.statistics, result.statistics, metric.score, resampling);
    baseline.confidence = test.baseline;
    result.confidence = test.system;
    result.p_value = test.p_value;
  } else {
    result.p_value =
        paired_randomization(baseline.statistics, result.statistics, metric.score, resampling);
  }
}

SignatureSampling sampling_of(const EvaluateOptions& options) {
  SignatureSampling sampling{.seed = options.seed};
  if (options.confidence) sampling.bootstrap_samples = *options.confidence;
  if (options.paired == "bootstrap")
    sampling.bootstrap_samples = options.trials.value_or(options.confidence.value_or(1000));
  if (options.paired == "randomization")
    sampling.randomization_trials = options.trials.value_or(10000);
  return sampling;
}

void evaluate_systems(const EvaluateOptions& options, const std::vector<EvaluationMetric>& metrics,
                      const std::vector<Lines>& references, std::vector<EvaluatedSystem>& systems) {
  const auto sampling = sampling_of(options);
  for (auto& system : systems) {
    for (const auto& metric : metrics) {
      MetricResult result{metric.statistics(system.lines, references), 0.0, "", {}, {}};
      const std::vector<double> sums = result.statistics.sum();
      result.score = metric.score(sums);
      result.details = metric.details(sums);
      if (options.confidence && options.paired != "bootstrap")
        result.confidence =
            bootstrap_confidence(result.statistics, metric.score,
                                 {.samples = sampling.bootstrap_samples, .seed = options.seed});
      system.results.push_back(std::move(result));
    }
  }
  if (options.paired.empty()) return;
  const Resampling resampling{
      .samples = std::max(sampling.randomization_trials,
                          options.paired == "bootstrap" ? sampling.bootstrap_samples : 0),
      .seed = options.seed};
  for (std::size_t other = 1; other < systems.size(); ++other) {
    for (std::size_t metric = 0; metric < metrics.size(); ++metric)
      compare_with_baseline(options, metrics[metric], systems.front().results[metric],
                            systems[other].results[metric], resampling);
  }
}

void warn_of_tokenized(const EvaluateOptions& options,
                       const std::vector<EvaluatedSystem>& systems) {
  const bool is_bleu = std::ranges::find(options.metrics, "bleu") != options.metrics.end();
  if (options.is_tokenized || options.tokenizer == "none" || !is_bleu) return;
  for (const auto& system : systems) {
    if (looks_tokenized(system.lines))
      std::fprintf(stderr,
                   "dragoman evaluate: %s: 100 lines or more end in ' .' as if tokenised, which "
                   "changes BLEU. Detokenise, or say --tokenized or --tokenize none.\n",
                   system.name.c_str());
  }
}

/// rouge-score gives such lines 0 in silence.
void warn_of_wordless(const EvaluateOptions& options, const std::vector<Lines>& references) {
  if (std::ranges::none_of(options.metrics, is_rouge)) return;
  for (std::size_t file = 0; file < references.size(); ++file) {
    const auto wordless = std::ranges::count_if(references[file], [](const std::string& line) {
      return !line.empty() && rouge_words(line).empty();
    });
    if (wordless > 0)
      std::fprintf(stderr, "%s",
                   fmt::format("dragoman evaluate: {}: {} of {} lines have no letter from a to z "
                               "and no digit, which is all that ROUGE looks at. They score 0.\n",
                               shown(options.references[file]), wordless, references[file].size())
                       .c_str());
  }
}

void evaluate(const EvaluateOptions& options) {
  check_usage(options);
  std::vector<EvaluatedSystem> systems;
  std::vector<Lines> references;
  read_input(options, systems, references);
  warn_of_tokenized(options, systems);
  warn_of_wordless(options, references);
  const auto metrics = make_metrics(options);
  evaluate_systems(options, metrics, references, systems);
  std::vector<std::string> signatures;
  for (const auto& metric : metrics)
    signatures.push_back(
        metric.signature(static_cast<std::int64_t>(references.size()), sampling_of(options)));
  if (options.is_sentence_level) {
    write_sentences(options, metrics, systems.front(), signatures);
  } else {
    write_report(options, metrics, systems, signatures);
  }
}

CLI::Option* add_choice(CLI::App& command, const std::string& flag, std::string& value,
                        const std::vector<std::string>& choices, const std::string& help) {
  return command.add_option(flag, value, help)->check(CLI::IsMember(choices))->type_name("NAME");
}

void add_metric_flags(CLI::App& command, EvaluateOptions& options) {
  add_choice(command, "--tokenize", options.tokenizer, known_names<BleuTokenizer>(),
             "tokeniser of BLEU")
      ->capture_default_str();
  command.add_flag("--lowercase", options.is_lowercase, "BLEU and chrF without regard to case");
  add_choice(command, "--smoothing", options.smoothing, known_names<BleuSmoothing>(),
             "what an n-gram order without a match counts in BLEU")
      ->capture_default_str();
  command
      .add_option("--smoothing-value", options.smoothing_value,
                  "for floor (default 0.1) and add-k (default 1)")
      ->type_name("X");
  command.add_flag("--tokenized", options.is_tokenized,
                   "do not warn of hypotheses that look tokenised");
  command.add_flag("--chrf-whitespace", options.has_whitespace, "chrF counts white space too");
  command.add_flag("--ter-case-sensitive", options.ter.case_sensitive, "TER with regard to case");
  command.add_flag("--ter-normalized", options.ter.normalized, "TER splits off punctuation");
  command.add_flag("--ter-no-punctuation", options.ter.no_punctuation, "TER drops punctuation");
  command.add_flag("--ter-asian", options.ter.asian_support,
                   "with the two above: for Chinese and Japanese too");
  command.add_flag("--rouge-stemmer", options.has_stemmer,
                   "ROUGE compares stems of English words (use_stemmer of rouge-score)");
  command
      .add_option("--sentence-separator", options.sentence_separator,
                  "what stands between the sentences of a line, e.g. '<q>'; for rougeLsum, which "
                  "else takes a line for one sentence")
      ->type_name("TEXT");
}

void add_sampling_flags(CLI::App& command, EvaluateOptions& options) {
  command
      .add_option("--confidence", options.confidence,
                  "95 % intervals from N bootstrap samples (1000)")
      ->expected(0, 1)
      ->default_str("1000")
      ->check(CLI::Range(1, 10000000))
      ->type_name("N");
  add_choice(command, "--paired", options.paired, {"bootstrap", "randomization"},
             "test each system against the first");
  command
      .add_option("--trials", options.trials,
                  "samples of --paired: 1000 for bootstrap, 10000 for randomization")
      ->check(CLI::Range(1, 10000000))
      ->type_name("N");
  command.add_option("--seed", options.seed, "of resampling")
      ->capture_default_str()
      ->type_name("N");
}

}  // namespace

void add_evaluate(CLI::App& program) {
  auto* command = program.add_subcommand("evaluate", "Score translations against references");
  const auto options = std::make_shared<EvaluateOptions>();
  command
      ->add_option("--hypotheses", options->hypotheses,
                   "translations, one file for each system; - is standard input")
      ->required()
      ->type_name("FILE...");
  command->add_option("--references", options->references, "references, one file for each set")
      ->required()
      ->type_name("FILE...");
  command
      ->add_option("--metrics", options->metrics,
                   "one or more of bleu, chrf, chrf++, ter, rouge1 to rouge9, rougeL, rougeLsum; "
                   "rouge is rouge1,rouge2,rougeL,rougeLsum")
      ->delimiter(',')
      ->check(CLI::IsMember(metric_names()))
      ->type_name("NAME,...")
      ->capture_default_str();
  add_metric_flags(*command, *options);
  add_sampling_flags(*command, *options);
  command->add_flag("--sentence-level", options->is_sentence_level, "score each sentence");
  add_choice(*command, "--format", options->format, {"text", "json"}, "form of the output")
      ->capture_default_str();
  command->add_option("--width", options->width, "decimals of scores in text")
      ->check(CLI::Range(0, 10))
      ->type_name("N")
      ->capture_default_str();
  add_choice(*command, "--invalid-text", options->invalid_text, {"error", "replace"},
             "what to do with lines that are no UTF-8")
      ->capture_default_str();
  command->callback([options] { evaluate(*options); });
}

}  // namespace dragoman
