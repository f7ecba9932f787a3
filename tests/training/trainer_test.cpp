#include "dragoman/training/trainer.h"

#include <ATen/ATen.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <optional>

#include "dragoman/data/archive.h"
#include "dragoman/data/error.h"
#include "dragoman/training/run_directory.h"
#include "tests/support/catch.h"
#include "tests/support/file_size_limit.h"
#include "tests/training/tiny_run.h"

namespace {

namespace fs = std::filesystem;
using dragoman::StopReason;
using dragoman_test::FileSizeLimit;
using dragoman_test::TemporaryFolder;
using dragoman_test::TestLog;
using dragoman_test::TinyCorpus;
using dragoman_test::TinyProcess;
using Steps = std::vector<std::int64_t>;

struct Fixture {
  Fixture() : corpus(folder), config(dragoman_test::tiny_training(folder.path("run"))) {}
  TemporaryFolder folder;
  TinyCorpus corpus;
  dragoman::TrainingConfig config;
};

}  // namespace

TEST_CASE_METHOD(Fixture, "training lowers the loss and reports it", "[trainer]") {
  config.learning_rate = 1e-2;
  config.schedule = dragoman::ScheduleKind::constant;
  config.max_steps = 60;
  TinyProcess process(corpus, config);
  const auto summary = process.trainer.run();
  CHECK(summary.reason == StopReason::max_steps);
  CHECK(summary.steps == 60);
  const auto reports = process.log.named("train");
  REQUIRE(reports.size() == 60);
  CHECK(reports.back().number("nll") < 0.8 * reports.front().number("nll"));
  CHECK(reports.back().number("lr") == 1e-2);
  CHECK(reports.front().number("lr") == 1e-3);
  CHECK(reports.back().number("norm") > 0.0);
  CHECK(reports.back().number("tokens_per_second") > 0.0);
  const auto validations = process.log.named("validation");
  REQUIRE(validations.size() == 6);
  CHECK(validations.back().number("loss") < validations.front().number("loss"));
  CHECK(summary.best_score.value() <= validations.back().number("loss"));
  CHECK(process.log.infos.at(1) == "data read=30 kept=30");
  CHECK_FALSE(process.log.named("data").empty());
  CHECK_THAT(process.log.infos.at(2), Catch::StartsWith("epoch=1 step=1 loss="));
}

TEST_CASE_METHOD(Fixture, "the run directory holds the last and the best models, whole",
                 "[trainer]") {
  TinyProcess process(corpus, config);
  const auto summary = process.trainer.run();
  const dragoman::RunDirectory run(config.output);
  const Steps steps = run.complete_steps();
  CHECK(steps == run.all_steps());
  CHECK((steps.size() >= 2 && steps.size() <= 4));
  CHECK(steps[steps.size() - 2] == 35);
  CHECK(steps.back() == 40);
  CHECK(summary.last_model == run.model(40));
  CHECK(summary.best_model == run.best());
  CHECK(summary.averaged_model == run.averaged());
  const auto last = dragoman::load_archive(run.model(40));
  CHECK(dragoman_test::same_bits(last.tensors, dragoman_test::copy_of_weights(process.model)));
  CHECK(last.files.at("source.spm") == corpus.spm);
  CHECK_THAT(last.files.at("card.json"), Catch::Contains("\"step\": 40") &&
                                             Catch::Contains("\"development\": {") &&
                                             Catch::Contains("\"kept\": "));
  const auto best = dragoman::load_archive(run.best());
  CHECK(dragoman_test::same_bits(best.tensors,
                                 dragoman::load_archive(run.model(summary.best_step)).tensors));
  CHECK_FALSE(
      dragoman_test::same_bits(dragoman::load_archive(run.averaged()).tensors, last.tensors));
  for (const auto& entry : fs::recursive_directory_iterator(config.output))
    CHECK_FALSE(entry.path().filename().string().ends_with(".tmp"));
}

TEST_CASE_METHOD(Fixture, "what a killed process left half-written is removed at the start",
                 "[trainer]") {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  const std::string name = ".step-5.pt." + std::to_string(child) + "-0.tmp";
  fs::create_directories(config.output + "/checkpoints");
  folder.write("run/" + name, "half");
  folder.write("run/checkpoints/" + name, "half");
  config.max_steps = 2;
  config.save_every = 100;
  TinyProcess process(corpus, config);
  process.log.on_event = [&](const TestLog::Event& event) {
    if (event.name != "train") return;
    CHECK_FALSE(fs::exists(config.output + "/" + name));
    CHECK_FALSE(fs::exists(config.output + "/checkpoints/" + name));
  };
  CHECK(process.trainer.run().steps == 2);
}

TEST_CASE_METHOD(Fixture, "training stops at each limit", "[trainer]") {
  SECTION("epochs") {
    config.max_epochs = 2;
    config.max_steps = 100000;
    TinyProcess process(corpus, config);
    const auto summary = process.trainer.run();
    CHECK(summary.reason == StopReason::max_epochs);
    CHECK(summary.epochs == 2);
    CHECK(summary.steps < 60);
  }
  SECTION("epochs, not beyond them with accumulation") {
    config.max_epochs = 1;
    config.accumulate = 1000;
    TinyProcess process(corpus, config);
    const auto summary = process.trainer.run();
    CHECK(summary.reason == StopReason::max_epochs);
    CHECK(summary.steps == 1);
    std::int64_t tokens = 0;
    for (std::size_t pair = 0; pair < 60; ++pair)
      tokens += static_cast<std::int64_t>(corpus.tokenizer().encode(corpus.lines[pair]).size()) + 1;
    CHECK(process.log.named("train").back().integer("target_tokens") == tokens);
  }
  SECTION("minutes") {
    config.max_minutes = 0.1 / 60.0;
    config.max_steps = 1000000;
    TinyProcess process(corpus, config);
    const auto summary = process.trainer.run();
    CHECK(summary.reason == StopReason::max_minutes);
    CHECK(summary.seconds >= 0.1);
  }
  SECTION("patience") {
    config.learning_rate = 0.0;  // never better than the first time
    config.validate_every = 3;
    config.patience = 2;
    TinyProcess process(corpus, config);
    const auto summary = process.trainer.run();
    CHECK(summary.reason == StopReason::patience);
    CHECK(summary.steps == 9);
    CHECK(summary.best_step == 3);
  }
  SECTION("SIGINT") {
    TinyProcess process(corpus, config);
    process.log.on_event = [](const TestLog::Event& event) {
      if (event.name == "train" && event.integer("step") == 7) std::raise(SIGINT);
    };
    const auto summary = process.trainer.run();
    CHECK(summary.reason == StopReason::interrupted);
    CHECK(summary.steps == 7);
    CHECK(summary.averaged_model.empty());
    CHECK_THAT(process.log.infos.back(), Catch::Contains("go on with --resume"));
  }
}

TEST_CASE_METHOD(Fixture, "decoding scores rank checkpoints", "[trainer]") {
  config.validate_by_decoding = true;
  config.best_metric = dragoman::Metric::chrf;
  config.max_steps = 30;
  int calls = 0;
  TinyProcess process(corpus, config, [&](const std::vector<std::string>& lines) {
    ++calls;
    if (calls != 2) return std::vector<std::string>(lines.size(), "zzz");
    return std::vector<std::string>(lines.size(), "abcde");
  });
  const auto summary = process.trainer.run();
  CHECK(calls == 3);
  CHECK(summary.best_step == 20);
  CHECK(summary.best_score.value() > 1.0);
  CHECK(process.log.named("sample").size() == 15);
}

TEST_CASE_METHOD(Fixture, "a run without a development set trains and averages the last",
                 "[trainer]") {
  corpus.development = {};
  TinyProcess process(corpus, config);
  const auto summary = process.trainer.run();
  CHECK(summary.best_step == 0);
  CHECK(summary.best_model.empty());
  CHECK_FALSE(summary.best_score);
  CHECK(summary.averaged_model == dragoman::RunDirectory(config.output).averaged());
  CHECK(process.log.named("validation").empty());
}

TEST_CASE_METHOD(Fixture, "an earlier run is not overwritten unless it is resumed", "[trainer]") {
  config.max_steps = 5;
  CHECK_FALSE(dragoman::has_checkpoints(config.output));
  {
    TinyProcess process(corpus, config);
    CHECK_FALSE(process.trainer.resume());
    (void)process.trainer.run();
  }
  CHECK(dragoman::has_checkpoints(config.output));
  TinyProcess process(corpus, config);
  CHECK_THROWS_WITH(
      process.trainer.run(),
      Catch::Contains("holds checkpoints of an earlier run. Go on with it by --resume"));
}

TEST_CASE_METHOD(Fixture, "a full disk costs a checkpoint, not the run", "[trainer]") {
  std::optional<FileSizeLimit> full;
  TinyProcess process(corpus, config);
  const dragoman::RunDirectory run(config.output);
  Steps during;
  process.log.on_event = [&](const TestLog::Event& event) {
    if (event.name != "train") return;
    if (event.integer("step") == 9) full.emplace(2000);
    if (event.integer("step") == 12) {
      during = run.all_steps();
      full.reset();
    }
  };
  const auto summary = process.trainer.run();
  CHECK(during == Steps{5});
  CHECK(summary.steps == 40);
  REQUIRE(process.log.warnings.size() == 1);
  CHECK_THAT(process.log.warnings.front(),
             Catch::StartsWith("step=10 was not saved: ") &&
                 Catch::Contains("tries again at the next checkpoint"));
}

TEST_CASE_METHOD(Fixture,
                 "a run whose last checkpoint cannot be written fails and keeps the one before",
                 "[trainer]") {
  std::optional<FileSizeLimit> full;
  TinyProcess process(corpus, config);
  process.log.on_event = [&](const TestLog::Event& event) {
    if (event.name == "train" && event.integer("step") == 36) full.emplace(2000);
  };
  CHECK_THROWS_WITH(process.trainer.run(),
                    Catch::StartsWith("the last checkpoint (step 40) could not be written: "));
  full.reset();
  CHECK(dragoman::RunDirectory(config.output).complete_steps().back() == 35);
  TinyProcess again(corpus, config);
  CHECK(again.trainer.resume());
  CHECK(again.trainer.run().steps == 40);
}

TEST_CASE_METHOD(Fixture, "an output folder that cannot be made is reported", "[trainer]") {
  config.output = folder.write("file", "") + "/run";
  TinyProcess process(corpus, config);
  CHECK_THROWS_WITH(process.trainer.run(),
                    Catch::Contains("the run directory cannot be made: Not a directory"));
}

TEST_CASE_METHOD(Fixture, "skipped updates are named in the log and counted", "[trainer]") {
  config.max_bad_steps = 4;
  config.learning_rate = 1e-2;
  TinyProcess process(corpus, config);
  at::Tensor parameter = process.model->parameters().back();
  unsigned handle = 0;
  process.log.on_event = [&](const TestLog::Event& event) {
    if (event.name != "train") return;
    if (event.integer("step") == 5)
      handle = parameter.register_hook([](const at::Tensor& gradient) { return gradient * NAN; });
    if (event.integer("step") == 8) parameter.remove_hook(handle);
  };
  CHECK(process.trainer.run().steps == 40);
  REQUIRE(process.log.warnings.size() == 3);
  CHECK_THAT(process.log.warnings.front(), Catch::StartsWith("step=6 skipped: the gradient of "));
  CHECK(process.log.named("train").back().integer("skipped") == 3);
}
