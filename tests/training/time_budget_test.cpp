#include "dragoman/training/time_budget.h"

#include <cmath>
#include <csignal>

#include "dragoman/data/config.h"
#include "tests/support/catch.h"
#include "tests/training/tiny_run.h"

namespace {

using dragoman::parse_duration;
using dragoman::StopReason;
using dragoman::TimeBudget;
using dragoman::TrainingConfig;
using dragoman_test::TemporaryFolder;
using dragoman_test::TestLog;
using dragoman_test::TinyCorpus;
using dragoman_test::TinyProcess;

/// What the parts of a run take, in seconds.
struct Durations {
  double update = 0.5;
  double validation = 7.0;
  double save = 1.2;
};

/// A trainer without a model: time passes as `durations` says for each step.
struct Simulation {
  double spent = 0.0;
  std::int64_t step = 0;
  std::int64_t validations = 0;
  dragoman::FittedSchedule first;
};

Simulation simulate(TrainingConfig config,
                    const std::function<Durations(std::int64_t)>& durations) {
  auto budget = TimeBudget::from(config);
  Simulation run;
  const auto part = [&run](double seconds) {
    run.spent += seconds;
    return seconds;
  };
  while (!budget->is_over(run.step, run.spent)) {
    const Durations now = durations(++run.step);
    const double begun = run.spent;
    part(now.update);
    const bool is_validated = run.step % config.validate_every == 0;
    if (is_validated) budget->add_validation(part(now.validation));
    if (is_validated || run.step % config.save_every == 0) budget->add_save(part(now.save));
    run.validations += is_validated;
    budget->add_update(run.spent - begun);
    const bool is_first = !budget->fitted();
    if (const auto& fitted = budget->fit(run.step, run.spent)) fitted->apply(config);
    if (is_first && budget->fitted()) run.first = *budget->fitted();
  }
  const Durations now = durations(run.step);
  if (run.step % config.validate_every != 0) part(now.validation);
  if (run.step % config.save_every != 0) part(now.save);
  part(now.save / 3.0 * static_cast<double>(config.average_best));
  return run;
}

TrainingConfig two_hours() {
  TrainingConfig config;
  config.time_budget = "2h";
  return config;
}

constexpr double kTwoHours = 7200.0;

/// A run of the trainer under a clock that moves half a second an update, three a validation and
/// half a second a checkpoint.
struct TimedRun {
  TimedRun() : corpus(folder) {
    config = dragoman_test::tiny_training(folder.path("run"));
    config.time_budget = "2m";
    config.max_steps = 5;  // takes no effect
    config.schedule = dragoman::ScheduleKind::linear;
    config.warmup_steps = 1000;
    config.validate_every = 1000;
    config.save_every = 1000;
    config.validate_by_decoding = true;
  }

  dragoman::TrainingSummary go(bool resume, std::int64_t signal_at = 0) {
    const double start = time;
    TinyProcess process(
        corpus, config,
        [this](const std::vector<std::string>& lines) {
          time += 3.0;
          return lines;
        },
        [this] { return time; });
    process.log.on_event = [&](const TestLog::Event& event) {
      if (event.name == "saved") time += 0.5;
      if (event.name != "train") return;
      time += 0.5;
      if (event.integer("step") == signal_at) std::raise(SIGTERM);
    };
    if (resume) REQUIRE(process.trainer.resume());
    const auto summary = process.trainer.run();
    log = process.log;
    trained += time - start;
    return summary;
  }

  TemporaryFolder folder;
  TinyCorpus corpus;
  TrainingConfig config;
  TestLog log;
  double time = 1e6;
  double trained = 0.0;
};

}  // namespace

TEST_CASE("durations are read as people write them", "[time_budget]") {
  CHECK(parse_duration("45s") == 45.0);
  CHECK(parse_duration("90m") == 5400.0);
  CHECK(parse_duration("2h") == 7200.0);
  CHECK(parse_duration("1h30m") == 5400.0);
  CHECK(parse_duration("1d2h3m4s") == 93784.0);
  CHECK(parse_duration("1.5h") == 5400.0);
  for (const char* text : {"", "2", "h", "2 h", "-2h", "2x", "30m1h", "2h2h", "0s", "1e9h", "nanh",
                           "infs", "9999999999d", "2h "}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text));
  }
  CHECK_THROWS_WITH(dragoman::parse_config<TrainingConfig>(R"({"time_budget": "2 hours"})", "c"),
                    Catch::Contains("time_budget (2 hours) is no time; write it as 90m, 2h or"));
  CHECK_FALSE(TimeBudget::from(TrainingConfig()));
}

TEST_CASE("a run fits its time, validations and averaging included", "[time_budget]") {
  const Simulation run = simulate(two_hours(), [](auto) { return Durations(); });
  CHECK(run.spent <= kTwoHours);
  CHECK(run.spent >= 0.98 * kTwoHours);
  // 500 updates, a validation and a checkpoint: 258.2 s; 7200 s have room for 27.9 of these.
  CHECK(run.validations == 27);
  CHECK(run.first.warmup_steps == 1000);
  CHECK(run.first.validate_every == 500);
  // The validations were not known yet: half a second an update is all.
  CHECK(run.first.max_steps == Approx(14400).epsilon(0.01));
}

TEST_CASE("a short time has less warm-up and four validations all the same", "[time_budget]") {
  TrainingConfig config;
  config.time_budget = "5m";
  const Simulation run = simulate(config, [](auto) { return Durations(); });
  CHECK(run.spent <= 300.0);
  CHECK(run.spent >= 0.97 * 300.0);
  CHECK(run.first.warmup_steps <= run.first.max_steps / 5);
  CHECK(run.first.validate_every <= run.first.max_steps / 4);
  CHECK(run.first.save_every == run.first.validate_every);
  CHECK(run.validations >= 3);
}

TEST_CASE("a run that slows down or speeds up ends in time", "[time_budget]") {
  for (const double factor : {0.4, 1.0, 2.5}) {
    const Simulation run = simulate(two_hours(), [factor](std::int64_t step) {
      // Batches differ by a third; from update 5000 on the machine is shared, or free.
      const double noise = 1.0 + 0.3 * std::sin(static_cast<double>(step) * 1.7);
      const double shared = step > 5000 ? factor : 1.0;
      return Durations{0.5 * noise * shared, 7.0 * shared, 1.2 * shared};
    });
    CAPTURE(factor, run.step);
    CHECK(run.spent <= 1.01 * kTwoHours);
    CHECK(run.spent >= 0.97 * kTwoHours);
  }
}

TEST_CASE("a time for hardly an update ends", "[time_budget]") {
  TrainingConfig config;
  config.time_budget = "3s";
  const Simulation run = simulate(config, [](auto) { return Durations(); });
  CHECK(run.step == 6);
}

TEST_CASE("the trainer ends within its time, its schedule at the end", "[time_budget][trainer]") {
  TimedRun run;
  const auto summary = run.go(false);
  CHECK(summary.reason == StopReason::time_budget);
  CHECK(run.trained <= 120.0);
  CHECK(run.trained >= 0.97 * 120.0);
  CHECK(summary.steps > 150);
  CHECK(run.log.named("validation").size() >= 4);
  CHECK_FALSE(summary.averaged_model.empty());
  const auto updates = run.log.named("train");
  const double last = updates.back().number("lr");
  CHECK(last < 0.02 * run.config.learning_rate);  // linear: to zero at the end
  double greatest = 0.0;
  for (const auto& update : updates)
    greatest = std::max(greatest, update.number("lr"));
  CHECK(greatest > 0.9 * run.config.learning_rate);
  REQUIRE_FALSE(run.log.named("fitted").empty());
  CHECK_THAT(run.log.infos, Catch::Matchers::VectorContains(
                                *std::ranges::find_if(run.log.infos, [](const std::string& line) {
                                  return line.starts_with("time budget 2m00s: max_steps=");
                                })));
}

TEST_CASE("a resumed run has the rest of its time", "[time_budget][trainer][resume]") {
  TimedRun run;
  CHECK(run.go(false, 70).reason == StopReason::interrupted);
  const double before = run.trained;
  CHECK(before > 35.0);
  const auto summary = run.go(true);
  CHECK(summary.reason == StopReason::time_budget);
  CHECK(run.trained <= 121.0);
  CHECK(run.trained >= 0.97 * 120.0);
  CHECK(run.log.named("train").front().number("lr") > 0.3 * run.config.learning_rate);
  const auto steps = summary.steps;
  // It is over: resumed again it stops at once, and goes on with more time.
  const auto again = run.go(true);
  CHECK(again.reason == StopReason::time_budget);
  CHECK(again.steps - steps <= 1);
  run.config.time_budget = "4m";
  const auto longer = run.go(true);
  CHECK(longer.steps > steps + 150);
  CHECK(run.trained <= 241.0);
  CHECK(run.trained >= 0.96 * 240.0);
}
