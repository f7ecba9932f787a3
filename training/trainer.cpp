#include "dragoman/training/trainer.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "dragoman/data/error.h"
#include "dragoman/training/average.h"
#include "dragoman/training/checkpoint.h"
#include "dragoman/training/device.h"
#include "dragoman/training/generators.h"
#include "dragoman/training/layer_watch.h"
#include "dragoman/training/moving_average.h"
#include "dragoman/training/placement.h"
#include "dragoman/training/progress.h"
#include "dragoman/training/ranks/agreement.h"
#include "dragoman/training/ranks/collectives.h"
#include "dragoman/training/reporter.h"
#include "dragoman/training/schedule.h"
#include "dragoman/training/scheduled_sampling.h"
#include "dragoman/training/signals.h"
#include "dragoman/training/single_process.h"
#include "dragoman/training/time_budget.h"
#include "dragoman/training/update.h"
#include "dragoman/training/validation.h"

namespace dragoman {
namespace {

constexpr double kStatusInterval = 0.5;  // seconds between two states of the progress bar

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

struct Trainer::State {
  State(const TrainingConfig& training, TrainerInputs parts);

  bool resume();
  TrainingSummary run();
  [[nodiscard]] std::optional<StopReason> own_stop_reason() const;
  [[nodiscard]] std::optional<StopReason> stop_reason();
  void update();
  [[nodiscard]] std::vector<Batch> next_batches();
  void after_update();
  void report();
  [[nodiscard]] FilterCounts data_counts() const;
  void validate();
  void save(bool is_interruption);
  void finish(StopReason reason, TrainingSummary& summary);
  [[nodiscard]] bool is_validation_due() const;
  [[nodiscard]] double seconds_left_now() const;
  void fit_to_budget(double begun);
  [[nodiscard]] double now() const { return inputs.clock ? inputs.clock() : steady_seconds(); }
  void count_time() { counters.seconds = seconds_before + now() - started; }

  TrainingConfig config;
  TrainerInputs inputs;
  SingleProcess alone;
  Communicator& communicator;
  at::Device device;
  at::ScalarType type;
  Transformer model;
  Optimizer optimizer;
  std::unique_ptr<MovingAverage> moving_average;  ///< null: none
  Update updater;
  LayerMeter meter;
  LayerWatch watch;
  Validation validation;
  CheckpointStore checkpoints;
  Patience patience;
  Progress progress;
  std::optional<TimeBudget> budget;
  std::optional<Reporter> reporter;
  std::optional<SignalGuard> signals;

  Counters counters;
  FilterCounts counts_before;  ///< of the runs that this one resumes
  std::string position;
  bool is_resumed = false;
  std::int64_t first_step = 0;  ///< where this process began
  std::int64_t validated_step = 0;
  std::optional<DevelopmentScores> latest_scores;  ///< of validated_step, when measured here
  bool is_new_best = false;                        ///< so was validated_step
  std::int64_t saved_step = 0;
  bool is_saved_for_signal = false;  ///< so is saved_step's record
  std::string save_failure;          ///< of the last attempt; empty: it worked
  double seconds_before = 0.0;
  double started = 0.0;
  double status_shown = 0.0;
  double waited_before = 0.0;  ///< for other ranks, at the last report
  double sent_before = 0.0;    ///< to them
};

Trainer::State::State(const TrainingConfig& training, TrainerInputs parts)
    : config(training),
      inputs(std::move(parts)),
      communicator(inputs.communicator != nullptr ? *inputs.communicator : alone),
      device(parse_device(config.device)),
      type(compute_type(config.precision, device)),
      model(placed_for_training(inputs.model, device, type)),
      optimizer(config, *model, &communicator),
      moving_average(config.ema > 0.0
                         ? std::make_unique<MovingAverage>(config.ema, optimizer.parameters())
                         : nullptr),
      updater(config, model, optimizer, device,
              {placed_teacher(inputs.teacher, device, type),
               inputs.encoder.special_ids().target_unknown},
              &communicator),
      meter(optimizer.parameters()),
      watch(config),
      validation(config, inputs, device),
      checkpoints(config,
                  {.model = model,
                   .optimizer = optimizer,
                   .average = moving_average.get(),
                   .device = device,
                   .bundle = inputs.bundle},
                  inputs.log),
      patience(config.best_metric, config.patience),
      budget(TimeBudget::from(config)) {
  if (config.threads > 0) at::set_num_threads(static_cast<int>(config.threads));
  if (communicator.is_first()) return;
  config.tensorboard = false;
  budget.reset();  // rank 0 fits the schedule
}

bool Trainer::State::resume() {
  const std::optional<Snapshot> snapshot = share(
      communicator, communicator.is_first() ? checkpoints.restore() : std::optional<Snapshot>());
  if (!snapshot) return false;
  if (moving_average && !communicator.is_first())
    moving_average->restart(snapshot->averaged_updates);
  counters = snapshot->counters;
  counts_before = counters.data;
  seconds_before = counters.seconds;
  position = snapshot->position;
  if (!position.empty()) inputs.batches.seek(position);
  updater.set_bad_steps(snapshot->bad_steps);
  patience.restore(snapshot->best_step, snapshot->best_score, snapshot->misses);
  validated_step = snapshot->validated_step;
  saved_step = first_step = counters.step;
  is_saved_for_signal = snapshot->records.back().is_interruption;
  if (snapshot->fitted && !config.time_budget.empty()) {
    if (budget) budget->restore(*snapshot->fitted);
    snapshot->fitted->apply(config);
  }
  if (device.is_cpu() && snapshot->threads != at::get_num_threads())
    inputs.log.warn(
        fmt::format("the run used {} threads, now it uses {}: it goes on, but the last "
                    "bits of the weights may differ (training.threads)",
                    snapshot->threads, at::get_num_threads()));
  is_resumed = true;
  return true;
}

TrainingSummary Trainer::State::run() {
  if (communicator.is_first()) checkpoints.open(is_resumed);
  share(communicator, model, optimizer, moving_average.get());
  share_generators(communicator, device, checkpoints.generators(), config.seed, counters.step);
  inputs.batches.cut_round_after(config.max_epochs);
  reporter.emplace(config, inputs.log, first_step);
  signals.emplace();
  started = now();
  std::int64_t weights = 0;
  for (const auto& parameter : optimizer.parameters())
    weights += parameter.value.numel();
  reporter->started(counters, is_resumed, weights, type == at::kBFloat16);
  if (config.shard_optimizer) reporter->sharded(optimizer.state_size(), communicator.size());
  TrainingSummary summary;
  // A run that was interrupted while it validated does first what it still owes.
  if (is_resumed) after_update();
  std::optional<StopReason> reason;
  while (!(reason = stop_reason())) {
    const double begun = now();
    update();
    after_update();
    fit_to_budget(begun);
  }
  finish(*reason, summary);
  signals.reset();
  return summary;
}

std::optional<StopReason> Trainer::State::stop_reason() {
  const auto& fitted = budget ? budget->fitted() : std::nullopt;
  const Decision decision = agree(communicator, {own_stop_reason(), fitted});
  if (!communicator.is_first() && decision.schedule) decision.schedule->apply(config);
  return decision.stop;
}

std::optional<StopReason> Trainer::State::own_stop_reason() const {
  if (signals->is_raised()) return StopReason::interrupted;
  if (patience.is_exhausted()) return StopReason::patience;
  if (budget && budget->is_over(counters.step, counters.seconds)) return StopReason::time_budget;
  if (!budget && counters.step >= config.max_steps) return StopReason::max_steps;
  if (config.max_epochs > 0 && counters.epochs >= config.max_epochs) return StopReason::max_epochs;
  if (config.max_minutes > 0.0 && counters.seconds >= 60.0 * config.max_minutes)
    return StopReason::max_minutes;
  return {};
}

std::vector<Batch> Trainer::State::next_batches() {
  std::vector<Batch> batches;
  for (std::int64_t index = 0; index < config.accumulate; ++index) {
    StreamedBatch next = inputs.batches.next();
    if (next.batch.source.defined()) batches.push_back(std::move(next.batch));
    position = std::move(next.position);
    if (!next.ends_epoch) continue;
    ++counters.epochs;
    counters.epoch_length = counters.step + 1 - counters.epoch_step;
    counters.epoch_step = counters.step + 1;
    if (counters.epochs == config.max_epochs) break;  // nothing of a pass that is not wanted
  }
  return batches;
}

void Trainer::State::update() {
  const double begun = now();
  const std::vector<Batch> batches = next_batches();
  const double rate = learning_rate(config, counters.step + 1);
  const bool is_measured = communicator.is_first() && config.norms_every > 0 &&
                           (counters.step + 1) % config.norms_every == 0;
  const UpdateResult result = updater.run(batches, rate, is_measured ? &meter : nullptr,
                                          sampling_probability(config, counters.step + 1));
  ++counters.step;
  counters.sentences += result.sentences;
  counters.source_tokens += result.source_tokens;
  counters.target_tokens += result.target_tokens;
  progress.add(result, now() - begun);
  count_time();
  if (!result.problem.empty()) {
    ++counters.skipped;
    reporter->skipped(counters, result.problem);
    return;
  }
  if (moving_average) moving_average->add();
  reporter->warn(counters, watch.add_gradient(result.gradient_norm));
  if (!is_measured) return;
  const std::vector<LayerFigures> layers = meter.take();
  reporter->norms(counters, layers);
  reporter->warn(counters, watch.add_layers(layers, rate));
}

double Trainer::State::seconds_left_now() const {
  const auto updates = static_cast<double>(std::max<std::int64_t>(counters.step - first_step, 1));
  return seconds_left(config, counters, (now() - started) / updates);
}

bool Trainer::State::is_validation_due() const {
  return config.validate_every > 0 && !validation.is_empty() && counters.step > 0 &&
         counters.step % config.validate_every == 0 && validated_step != counters.step;
}

/// `begun`: when the update did.
void Trainer::State::fit_to_budget(double begun) {
  if (!budget) return;
  budget->add_update(now() - begun);
  count_time();
  const auto& fitted = budget->fit(counters.step, counters.seconds);
  if (!fitted) return;
  fitted->apply(config);
  reporter->fitted(counters, config, *budget);
}

void Trainer::State::after_update() {
  if (counters.step > first_step && counters.step % config.report_every == 0) report();
  if (now() - status_shown > kStatusInterval) {
    reporter->status(counters, progress.peek(), seconds_left_now());
    status_shown = now();
  }
  if (is_validation_due()) validate();
  if (is_validation_due()) return;  // a signal came in between
  const bool was_validated = validated_step == counters.step && latest_scores.has_value();
  const bool is_on_grid = counters.step > 0 && counters.step % config.save_every == 0;
  const bool is_worth_it =
      was_validated &&
      of_first(communicator, is_new_best || checkpoints.ranks_among_best(*latest_scores));
  if (saved_step != counters.step ? is_on_grid || is_worth_it : was_validated) save(false);
}

FilterCounts Trainer::State::data_counts() const {
  FilterCounts counts = counts_before;
  counts.add(inputs.batches.counts());
  return counts;
}

void Trainer::State::report() {
  reporter->data(data_counts());
  ProgressReport recent = progress.take();
  const double waited = communicator.seconds_waited();
  recent.communication = waited - std::exchange(waited_before, waited);
  const double sent = communicator.bytes_sent();
  recent.bytes_sent = sent - std::exchange(sent_before, sent);
  reporter->progress(counters, recent, learning_rate(config, counters.step), seconds_left_now());
}

void Trainer::State::validate() {
  const double begun = now();
  const AveragedWeights averaged(moving_average.get());
  const auto scores = validation.run([this] { return signals->is_raised(); });
  count_time();
  if (!scores) return;
  if (budget) budget->add_validation(now() - begun);
  validated_step = counters.step;
  latest_scores = scores;
  const auto value = score(*scores, config.best_metric);
  is_new_best = value && patience.add(counters.step, *value);
  reporter->validation(counters, *scores, is_new_best, now() - begun, validation.samples());
}

void Trainer::State::save(bool is_interruption) {
  const double begun = now();
  counters.data = data_counts();
  Snapshot snapshot{.counters = counters,
                    .position = position,
                    .bad_steps = updater.bad_steps(),
                    .validated_step = validated_step,
                    .best_step = patience.best_step(),
                    .best_score = patience.best_score(),
                    .misses = patience.misses(),
                    .fitted = budget ? budget->fitted() : std::nullopt,
                    .threads = at::get_num_threads(),
                    .records = {}};
  CheckpointRecord record{.step = counters.step, .is_interruption = is_interruption, .scores = {}};
  if (validated_step == counters.step) record.scores = latest_scores;
  if (const auto strayed = strayed_ranks(communicator, model); !strayed.empty()) {
    reporter->strayed(counters, strayed);
    share(communicator, model, optimizer, moving_average.get());
  }
  RankStates states{.optimizer = optimizer.state(), .generators = {}};
  if (communicator.size() > 1) states.generators = gather(communicator, generators_of(device));
  save_failure.clear();
  try {
    if (communicator.is_first()) {
      checkpoints.save(std::move(snapshot), record, states);
      reporter->saved(counters, checkpoints.directory().model(counters.step), now() - begun);
      if (budget) budget->add_save(now() - begun);
    }
  } catch (const SystemError& failure) {
    // Training is worth more than a checkpoint: older ones are there, and the next may succeed.
    save_failure = failure.what();
    inputs.log.warn(
        fmt::format("step={} was not saved: {} Training goes on and tries again at the "
                    "next checkpoint.",
                    counters.step, save_failure));
  }
  if (of_first(communicator, save_failure.empty())) {
    saved_step = counters.step;
    is_saved_for_signal = is_interruption;
  }
  count_time();
}

void Trainer::State::finish(StopReason reason, TrainingSummary& summary) {
  if (counters.step > first_step && counters.step % config.report_every != 0) report();
  if (reason != StopReason::interrupted && counters.step > 0 && config.validate_every > 0 &&
      !validation.is_empty() && validated_step != counters.step) {
    validate();
    if (validated_step == counters.step) saved_step = 0;
  }
  const bool is_interrupted =
      is_on_any(communicator, reason == StopReason::interrupted || signals->is_raised());
  const bool is_saved = saved_step == counters.step && (is_interrupted || !is_saved_for_signal);
  if (counters.step > 0 && !is_saved) save(is_interrupted);
  if (!save_failure.empty())
    throw SystemError(fmt::format("the last checkpoint (step {}) could not be written: {}",
                                  counters.step, save_failure));
  summary.reason = is_interrupted ? StopReason::interrupted : reason;
  summary.steps = counters.step;
  summary.epochs = counters.epochs;
  summary.seconds = counters.seconds;
  summary.best_step = patience.best_step();
  summary.best_score = patience.best_score();
  const RunDirectory& directory = checkpoints.directory();
  if (saved_step > 0) summary.last_model = directory.model(saved_step);
  if (std::filesystem::exists(directory.best())) summary.best_model = directory.best();
  if (!is_interrupted && saved_step > 0 && communicator.is_first())
    summary.averaged_model = average_run(config, patience.best_step() > 0, inputs.log);
  reporter->finished(counters, summary.reason);
}

Trainer::Trainer(const TrainingConfig& config, TrainerInputs inputs)
    : state_(std::make_unique<State>(config, std::move(inputs))) {}
Trainer::~Trainer() = default;
bool Trainer::resume() {
  return state_->resume();
}
TrainingSummary Trainer::run() {
  return state_->run();
}

}  // namespace dragoman
