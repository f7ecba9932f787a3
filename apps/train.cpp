// dragoman train: raw parallel text in, a trained model out.
#include <ATen/Parallel.h>
#include <ATen/Utils.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "apps/build_info.h"
#include "apps/commands.h"
#include "apps/config_flags.h"
#include "apps/ranks.h"
#include "apps/run_setup.h"
#include "dragoman/data/batch_stream.h"
#include "dragoman/data/error.h"
#include "dragoman/data/line_reader.h"
#include "dragoman/inference/batch_translator.h"
#include "dragoman/modules/transformer.h"
#include "dragoman/training/run_directory.h"
#include "dragoman/training/run_log.h"
#include "dragoman/training/trainer.h"

namespace dragoman {
namespace {

struct TrainOptions {
  std::string config;
  std::vector<std::string> overrides;
  std::string init_from;
  std::string time_budget;
  bool resume = false;
};

DevelopmentSet read_development_set(const DataConfig& data) {
  if (data.dev.source.empty()) return {};
  ParallelLines lines = read_parallel(data.dev, data.invalid_text);
  if (lines.source.empty())
    throw DataError(fmt::format(
        "{}: has no lines. Give a development corpus with text in data.dev, or leave it out to "
        "train without validation.",
        data.dev.source));
  return {std::move(lines.source), std::move(lines.target)};
}

void report(const TrainingSummary& summary, Log& log) {
  log.info(fmt::format("stopped after {} updates, {} epochs, {:.1f} minutes: {}", summary.steps,
                       summary.epochs, summary.seconds / 60, name(summary.reason)));
  if (summary.best_score)
    log.info(fmt::format("best on the development set: {:.4f} at update {}", *summary.best_score,
                         summary.best_step));
  for (const std::string& path : {summary.last_model, summary.best_model, summary.averaged_model})
    if (!path.empty()) log.info("model: " + path);
}

void report_mix(const BatchStream& batches, Log& log) {
  for (const CorpusShare& corpus : batches.shares()) {
    log.info(fmt::format("corpus {} pairs={} passes={:.4g} pairs_per_epoch={}", corpus.name,
                         corpus.pairs, corpus.passes(), corpus.pairs_per_epoch));
    log.event("corpus", {{"name", corpus.name},
                         {"pairs", corpus.pairs},
                         {"passes", corpus.passes()},
                         {"pairs_per_epoch", corpus.pairs_per_epoch}});
  }
}

/// Says in the run's log why it ended, for those who were not there.
template <typename Work>
void log_failure(Log& log, const Work& work) {
  try {
    work();
  } catch (const std::exception& error) {
    const std::string message = error.what();
    log.event("failed", {{"message", message.substr(0, message.find('\n'))}});
    throw;
  }
}

void train_model(RunSetup& setup, bool resume, Communicator& communicator, Log& log) {
  const TrainingConfig& training = setup.config.training;
  at::manual_seed(static_cast<std::uint64_t>(training.seed));
  Transformer model(setup.config.model);
  if (setup.initial) {
    log_warm_start(
        warm_start(model, *setup.initial, setup.encoder.source(), setup.encoder.target()),
        training.init_from, log);
    setup.initial.reset();
  }
  BatchStream batches(setup.config.data, setup.encoder, communicator.rank(), communicator.size(),
                      training.device != "cpu");
  report_mix(batches, log);
  const DecodingOptions decoding = setup.config.decoding;
  const auto decode = [&](const std::vector<std::string>& lines) {
    const BatchingOptions batching{.batch_size = training.validation_batch,
                                   .threads = at::get_num_threads()};
    std::vector<std::string> texts;
    for (Translation& result : translate_with(model, setup.encoder, lines, decoding, batching))
      texts.push_back(std::move(result.hypotheses.front().text));
    return texts;
  };
  Trainer trainer(training, {.model = model,
                             .teacher = setup.teacher,
                             .batches = batches,
                             .encoder = setup.encoder,
                             .development = read_development_set(setup.config.data),
                             .decode = decode,
                             .bundle = setup.bundle,
                             .log = log,
                             .communicator = &communicator});
  if (resume && !trainer.resume()) log.info("nothing to resume: starting afresh");
  report(trainer.run(), log);
}

void train(const TrainOptions& options) {
  // Until the run directory is known, messages go to the terminal only.
  auto setup_log = std::make_unique<RunLog>(stderr, "");
  std::vector<std::string> overrides = options.overrides;
  if (!options.init_from.empty()) overrides.push_back("training.init_from=" + options.init_from);
  if (!options.time_budget.empty())
    overrides.push_back("training.time_budget=" + options.time_budget);
  Ranks ranks = join_ranks(options.config, overrides, options.resume, *setup_log);
  RunSetup setup = prepare_run(options.config, overrides, ranks, *setup_log);
  setup_log.reset();
  if (!ranks.communicator->is_first()) {
    NullLog nowhere;
    return train_model(setup, ranks.resume, *ranks.communicator, nowhere);
  }
  RunLog log(stderr, RunDirectory(setup.config.training.output).log());
  log.event("environment", environment());
  log_failure(log, [&] { train_model(setup, ranks.resume, *ranks.communicator, log); });
}

}  // namespace

void add_train(CLI::App& program) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* command = program.add_subcommand("train", "Train a model as a configuration says");
  add_config_options(*command, options->config, options->overrides);
  command
      ->add_option("--init-from", options->init_from,
                   "start from the weights of this model: training.init_from")
      ->type_name("MODEL.pt");
  command
      ->add_option("--time-budget", options->time_budget,
                   "fit the run to this time, such as 90m or 2h: training.time_budget")
      ->type_name("TIME");
  command->add_flag("--resume", options->resume, "go on from the newest checkpoint of the run");
  command->callback([options] { train(*options); });
}

}  // namespace dragoman
