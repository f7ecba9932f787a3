// dragoman doctor: what is wrong with a run's data and settings, and how long it will take.
#include "apps/doctor.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <vector>

#include "apps/commands.h"
#include "apps/config_flags.h"
#include "apps/line_output.h"
#include "apps/run_tokenizers.h"
#include "dragoman/data/config.h"
#include "dragoman/data/corpus_mix.h"
#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/training/run_directory.h"
#include "dragoman/training/run_log.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

struct DoctorOptions {
  std::string config;
  std::vector<std::string> overrides;
  std::vector<std::string> test;
  std::string format = "text";
  bool is_strict = false;
  bool skips_speed = false;
};

std::vector<SetExamination> examine_sets(const RunConfig& config, const DoctorOptions& options,
                                         Log& log) {
  ExaminationRequest request{.train = config.data.train,
                             .invalid_text = config.data.invalid_text,
                             .threads = config.data.threads};
  if (!config.data.dev.source.empty()) request.held_out.emplace_back("dev", config.data.dev);
  if (!options.test.empty())
    request.held_out.emplace_back(
        "test", CorpusConfig{.source = options.test.front(),
                             .target = options.test.size() > 1 ? options.test.back() : ""});
  request.progress = [&log](const std::string& set, std::int64_t pairs) {
    log.status(fmt::format("{}: {} pairs", set, pairs));
  };
  return examine(request);
}

/// A run that has begun keeps its tokenisers; else they are made as training would, of the sample.
Tokenizers tokenizers_of(const RunConfig& config, const SetExamination& train, Log& log) {
  const RunDirectory run(config.training.output);
  if (has_checkpoints(run.path())) {
    const std::string target = run.path() + "/target.spm";
    return load_tokenizers(run.path() + "/source.spm", fs::exists(target) ? target : "");
  }
  const auto lines = [&train](Side side) {
    std::vector<std::string> texts;
    for (const PairSample::Pair& pair : train.sample.pairs())
      if (const std::string& text = side == Side::source ? pair.source : pair.target; !text.empty())
        texts.push_back(text);
    return texts;
  };
  return make_tokenizers(config, lines, log);
}

void examine_with_tokenizer(Diagnosis& diagnosis, const PairEncoder& encoder) {
  const RunConfig& config = diagnosis.config;
  for (const SetExamination& set : diagnosis.sets) {
    const bool is_train = &set == &diagnosis.train();
    diagnosis.tokens.push_back(examine_tokens(set, config.data, encoder, is_train));
    report_tokens(set, diagnosis.tokens.back(), config.data, config.model.copy_head.enabled,
                  diagnosis.findings);
  }
  std::vector<double> weights;
  for (const CorpusConfig& corpus : config.data.train)
    if (corpus.weight > 0.0) weights.push_back(corpus.weight);
  const TokenExamination& train = diagnosis.tokens.back();
  // The pairs of the sample stand for the sizes.
  std::vector<std::int64_t> sizes(weights.size(), 1);
  for (const std::size_t corpus : train.kept_corpus)
    ++sizes[corpus];
  if (!weights.empty()) weights = passes_per_epoch(sizes, weights, config.data.temperature);
  if (train.filter.kept == 0)
    diagnosis.findings.push_back(
        {.severity = Severity::error,
         .check = "dropped",
         .subject = "train",
         .message = fmt::format("of {} pairs not one passes the filters", train.filter.read),
         .count = train.filter.read,
         .total = train.filter.read,
         .advice = "Raise data.max_length and data.max_length_ratio, or lower data.min_length."});
  else
    diagnosis.epoch = estimate_epoch(diagnosis.train(), train, weights, config.data);
  if (diagnosis.epoch && diagnosis.epoch->plan.batches.empty()) diagnosis.epoch.reset();
}

/// Everything that needs the tokenisers. That they cannot be made is a finding.
std::optional<PairEncoder> make_run_encoder(Diagnosis& diagnosis, Log& log) {
  if (diagnosis.train().sample.pairs().empty()) return std::nullopt;
  try {
    const Tokenizers tokenizers = tokenizers_of(diagnosis.config, diagnosis.train(), log);
    fill_vocabularies(diagnosis.config, tokenizers);
    // The rules that involve the vocabularies hold only now.
    diagnosis.config = parse_config<RunConfig>(to_json_text(diagnosis.config), diagnosis.path);
    return make_encoder(diagnosis.config, tokenizers);
  } catch (const DataError& error) {
    diagnosis.findings.push_back({.severity = Severity::error,
                                  .check = "tokenizer",
                                  .subject = "settings",
                                  .message = error.what()});
  }
  return std::nullopt;
}

void diagnose(const DoctorOptions& options) {
  const double base_bytes = resident_bytes();
  RunLog log(stderr, "");
  Diagnosis diagnosis{.path = options.config,
                      .config = parse_config<RunConfig>(read_file(options.config), options.config,
                                                        options.overrides)};
  RunConfig& config = diagnosis.config;
  if (std::ranges::none_of(config.data.train,
                           [](const CorpusConfig& corpus) { return corpus.weight > 0.0; }))
    throw UsageError(options.config +
                     ": data.train: names no corpus (of weight above 0). Add {\"source\": FILE, "
                     "\"target\": FILE}.");
  resolve_paths(config.data);
  if (config.data.batch_tokens.is_automatic()) {
    config.data.batch_tokens = DataConfig().batch_tokens;
    log.info(fmt::format("data.batch_tokens is auto: reckoning with {}",
                         config.data.batch_tokens.value));
  }
  diagnosis.sets = examine_sets(config, options, log);
  for (const SetExamination& set : std::views::reverse(diagnosis.sets))
    diagnosis.findings.insert(diagnosis.findings.end(), set.findings.begin(), set.findings.end());
  const std::optional<PairEncoder> encoder = make_run_encoder(diagnosis, log);
  if (encoder) {
    examine_with_tokenizer(diagnosis, *encoder);
    if (!options.skips_speed) log.status("timing some updates");
    estimate_speed(diagnosis, *encoder, base_bytes, !options.skips_speed);
  }
  find_suspicious_settings(diagnosis, encoder ? &*encoder : nullptr, diagnosis.findings);
  sort_findings(diagnosis.findings);
  log.status("");
  LineOutput output("-");
  (void)output.write(options.format == "json" ? json_report(diagnosis) : text_report(diagnosis));
  output.finish();
  const bool has_failed = diagnosis.count(Severity::error) > 0 ||
                          (options.is_strict && diagnosis.count(Severity::warning) > 0);
  if (has_failed)
    throw Error(
        fmt::format("{}: errors: {}, warnings: {}. The report says what to do.", options.config,
                    diagnosis.count(Severity::error), diagnosis.count(Severity::warning)),
        1);
}

}  // namespace

void add_doctor(CLI::App& program) {
  auto options = std::make_shared<DoctorOptions>();
  CLI::App* command = program.add_subcommand(
      "doctor", "Say what is wrong with a run's data and settings, before it is trained");
  add_config_options(*command, options->config, options->overrides);
  command
      ->add_option("--test", options->test,
                   "a test set to compare with: source and target, or one TSV or JSONL file")
      ->type_name("FILE")
      ->expected(1, 2);
  command->add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_flag("--strict", options->is_strict, "exit with status 1 for warnings too");
  command->add_flag("--no-speed", options->skips_speed,
                    "train no updates to estimate time and memory");
  command->callback([options] { diagnose(*options); });
}

}  // namespace dragoman
