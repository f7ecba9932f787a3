// A run that was killed or stopped at any moment and resumed ends in the same bits as one that was
// not.
#include <ATen/ATen.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "dragoman/data/archive.h"
#include "dragoman/data/error.h"
#include "dragoman/training/run_directory.h"
#include "tests/support/catch.h"
#include "tests/training/tiny_run.h"

namespace {

namespace fs = std::filesystem;
using dragoman_test::TemporaryFolder;
using dragoman_test::TestLog;
using dragoman_test::TinyCorpus;
using dragoman_test::TinyProcess;
using dragoman_test::Weights;

/// Stands for kill -9: nothing of the trainer runs afterwards but destructors.
struct Killed : std::runtime_error {
  Killed() : std::runtime_error("killed") {}
};

std::function<void(const TestLog::Event&)> at_step(std::int64_t step,
                                                   std::function<void()> action) {
  return [step, action = std::move(action)](const TestLog::Event& event) {
    if (event.name == "train" && event.integer("step") == step) action();
  };
}

struct Ending {
  Weights weights;
  Weights averaged;
  std::string index;
  std::int64_t best_step = 0;
  std::int64_t tokens = 0;
};

Ending ending_of(const TemporaryFolder& folder, TinyProcess& process,
                 const dragoman::TrainingSummary& summary) {
  CHECK(summary.reason == dragoman::StopReason::max_steps);
  const auto reports = process.log.named("train");
  return {.weights = dragoman_test::copy_of_weights(process.model),
          .averaged = dragoman::load_archive(summary.averaged_model).tensors,
          .index = folder.read(fs::path(summary.averaged_model).parent_path().filename().string() +
                               "/checkpoints/index.json"),
          .best_step = summary.best_step,
          .tokens = reports.back().integer("target_tokens")};
}

/// One case: a corpus and a configuration, run with and without interruptions.
struct Case {
  explicit Case(std::function<void(dragoman::TrainingConfig&)> change = {}) : corpus(folder) {
    config = dragoman_test::tiny_training(folder.path("straight"));
    if (change) change(config);
  }

  Ending straight() {
    TinyProcess process(corpus, config);
    return ending_of(folder, process, process.trainer.run());
  }

  /// Runs until `hook` throws or stops it, in the run directory `interrupted`.
  void partial(const std::function<void(const TestLog::Event&)>& hook, bool resume = false) {
    auto interrupted = config;
    interrupted.output = folder.path("interrupted");
    TinyProcess process(corpus, interrupted);
    process.log.on_event = hook;
    if (resume) REQUIRE(process.trainer.resume());
    try {
      const auto summary = process.trainer.run();
      REQUIRE(summary.reason == dragoman::StopReason::interrupted);
    } catch (const Killed&) {
    }
  }

  Ending resumed() {
    auto interrupted = config;
    interrupted.output = folder.path("interrupted");
    interrupted.seed = 99;  // so that nothing but the checkpoint can make the weights equal
    TinyProcess process(corpus, interrupted);
    REQUIRE(process.trainer.resume());
    Ending ending = ending_of(folder, process, process.trainer.run());
    warnings = process.log.warnings;
    return ending;
  }

  TemporaryFolder folder;
  TinyCorpus corpus;
  dragoman::TrainingConfig config;
  std::vector<std::string> warnings;  ///< of the resumed run
};

void check_same(const Ending& left, const Ending& right) {
  CHECK(dragoman_test::same_bits(left.weights, right.weights));
  CHECK(dragoman_test::same_bits(left.averaged, right.averaged));
  CHECK(left.index == right.index);
  CHECK(left.best_step == right.best_step);
  CHECK(left.tokens == right.tokens);
}

void die() {
  throw Killed();
}
void terminate() {
  std::raise(SIGTERM);
}

}  // namespace

TEST_CASE("a run killed twice and resumed ends in the same bits", "[resume]") {
  Case run;
  const Ending expected = run.straight();
  run.partial(at_step(17, die));
  run.partial(at_step(28, die), true);
  check_same(run.resumed(), expected);
}

TEST_CASE("a run stopped by SIGTERM and resumed ends in the same bits", "[resume]") {
  Case run;
  const Ending expected = run.straight();
  run.partial(at_step(17, terminate));
  CHECK(dragoman::RunDirectory(run.folder.path("interrupted")).complete_steps().back() == 17);
  check_same(run.resumed(), expected);
}

TEST_CASE("resuming is exact with gradient accumulation", "[resume]") {
  Case run([](auto& config) { config.accumulate = 2; });
  const Ending expected = run.straight();
  run.partial(at_step(13, die));
  run.partial(at_step(17, terminate), true);
  check_same(run.resumed(), expected);
}

TEST_CASE("resuming is exact with two threads", "[resume][.slow]") {
  Case run([](auto& config) { config.threads = 2; });
  run.corpus.data.batch_tokens = 600;
  const Ending expected = run.straight();
  run.partial(at_step(17, terminate));
  check_same(run.resumed(), expected);
}

TEST_CASE("resuming is exact with each optimiser", "[resume]") {
  for (const auto kind : {dragoman::OptimizerKind::sgd, dragoman::OptimizerKind::adam}) {
    Case run([kind](auto& config) {
      config.optimizer = kind;
      config.weight_decay = 0.01;
    });
    const Ending expected = run.straight();
    run.partial(at_step(17, terminate));
    check_same(run.resumed(), expected);
  }
}

TEST_CASE("resuming is exact around the border of an epoch", "[resume]") {
  Case run;
  std::int64_t border = 0;
  {
    TinyProcess process(run.corpus, run.config);
    (void)process.trainer.run();
    for (const auto& event : process.log.named("train"))
      if (event.integer("epoch") == 1) border = event.integer("step") + 1;
  }
  CAPTURE(border);
  REQUIRE((border > 1 && border < 38));
  run.config.output = run.folder.path("again");
  const Ending expected = run.straight();
  for (const std::int64_t step : {border - 1, border, border + 1}) {
    fs::remove_all(run.folder.path("interrupted"));
    run.partial(at_step(step, terminate));
    check_same(run.resumed(), expected);
  }
}

TEST_CASE("a signal during validation is followed by the validation after resuming", "[resume]") {
  Case run;
  const Ending expected = run.straight();
  run.partial(at_step(20, terminate));
  CHECK_FALSE(fs::exists(run.folder.path("interrupted/averaged.pt")));
  check_same(run.resumed(), expected);
}

TEST_CASE("without the generator's state the bits differ", "[resume]") {
  Case run;
  const Ending expected = run.straight();
  run.partial(at_step(17, terminate));
  const std::string path = run.folder.path("interrupted/checkpoints/step-17.state.pt");
  dragoman::Archive state = dragoman::load_archive(path);
  at::manual_seed(12345);
  state.tensors.at("generator.cpu") = at::globalContext().defaultGenerator(at::kCPU).get_state();
  dragoman::save_archive(state, path);
  CHECK_FALSE(dragoman_test::same_bits(run.resumed().weights, expected.weights));
}

TEST_CASE("without the data position the bits differ", "[resume]") {
  Case run;
  const Ending expected = run.straight();
  run.partial(at_step(17, terminate));
  const std::string path = run.folder.path("interrupted/checkpoints/step-17.state.pt");
  dragoman::Archive state = dragoman::load_archive(path);
  std::string& text = state.files.at("training.json");
  const auto begin = text.find("\"position\": \"") + 13;
  const auto end = text.find("\",\n", begin);
  REQUIRE(end != std::string::npos);
  text.replace(begin, end - begin, "");
  dragoman::save_archive(state, path);
  CHECK_FALSE(dragoman_test::same_bits(run.resumed().weights, expected.weights));
}

TEST_CASE("a damaged newest checkpoint is passed over with a warning", "[resume]") {
  const auto damage = GENERATE(as<std::string>{}, "truncated state", "flipped model", "no state",
                               "no model", "foreign state");
  CAPTURE(damage);
  Case run;
  const Ending expected = run.straight();
  run.partial(at_step(17, die));
  const std::string model = run.folder.path("interrupted/checkpoints/step-15.pt");
  const std::string state = run.folder.path("interrupted/checkpoints/step-15.state.pt");
  REQUIRE(fs::exists(model));
  if (damage == "truncated state") fs::resize_file(state, fs::file_size(state) / 2);
  if (damage == "no state") fs::remove(state);
  if (damage == "no model") fs::remove(model);
  if (damage == "foreign state")
    dragoman::save_archive({.tensors = {}, .files = {{"training.json", "{}"}}}, state);
  if (damage == "flipped model") {
    std::string bytes = run.folder.read("interrupted/checkpoints/step-15.pt");
    const dragoman::Archive archive = dragoman::load_archive(model);
    const at::Tensor tensor = archive.tensors.begin()->second.contiguous();
    const std::string_view content(static_cast<const char*>(tensor.const_data_ptr()),
                                   tensor.nbytes());
    const auto place = bytes.find(content);
    REQUIRE(place != std::string::npos);
    bytes[place + 1] = static_cast<char>(bytes[place + 1] ^ 0x10);
    run.folder.write("interrupted/checkpoints/step-15.pt", bytes);
  }
  check_same(run.resumed(), expected);
  const bool is_incomplete = damage == "no state" || damage == "no model";
  CHECK(run.warnings.size() == (is_incomplete ? 0 : 1));
  if (!is_incomplete)
    CHECK_THAT(run.warnings.front(), Catch::StartsWith("step 15 cannot be resumed from: "));
}

TEST_CASE("when every checkpoint is damaged, resuming says so", "[resume]") {
  Case run;
  run.partial(at_step(12, die));
  const dragoman::RunDirectory directory(run.folder.path("interrupted"));
  for (const std::int64_t step : directory.complete_steps())
    fs::resize_file(directory.state(step), 100);
  auto config = run.config;
  config.output = directory.path();
  TinyProcess process(run.corpus, config);
  CHECK_THROWS_WITH(process.trainer.resume(),
                    Catch::Contains("none of the 2 checkpoints can be read"));
}

TEST_CASE("a checkpoint of another shape or optimiser is refused by name", "[resume]") {
  Case run;
  run.partial(at_step(7, terminate));
  auto config = run.config;
  config.output = run.folder.path("interrupted");
  {
    auto other = config;
    other.optimizer = dragoman::OptimizerKind::sgd;
    TinyProcess process(run.corpus, other);
    CHECK_THROWS_WITH(process.trainer.resume(), Catch::Contains("does not fit the optimiser") &&
                                                    Catch::Contains("momentum."));
  }
  {
    const std::string path = run.folder.path("interrupted/checkpoints/step-7.pt");
    dragoman::Archive model = dragoman::load_archive(path);
    model.tensors.begin()->second = at::zeros({3, 3});
    dragoman::save_archive(model, path);
    TinyProcess process(run.corpus, config);
    CHECK_THROWS_WITH(process.trainer.resume(),
                      Catch::Contains("does not fit the model of this configuration") &&
                          Catch::Contains("[3, 3]"));
  }
}

TEST_CASE("a run killed right after its last pair of files still ends the same", "[resume]") {
  Case run;
  const Ending expected = run.straight();
  run.partial(at_step(17, die));
  (void)run.resumed();
  // As if it had been killed before the list, best.pt and the removal of old pairs.
  const dragoman::RunDirectory directory(run.folder.path("interrupted"));
  const std::string last = directory.model(directory.complete_steps().back());
  for (const auto& path : {directory.model(3), directory.best()}) {
    fs::remove(path);
    fs::copy_file(last, path);
  }
  fs::remove(directory.index());
  fs::remove(directory.averaged());
  auto config = run.config;
  config.output = directory.path();
  TinyProcess process(run.corpus, config);
  REQUIRE(process.trainer.resume());
  const auto summary = process.trainer.run();
  CHECK(dragoman_test::same_bits(dragoman::load_archive(summary.averaged_model).tensors,
                                 expected.averaged));
  CHECK(run.folder.read("interrupted/checkpoints/index.json") == expected.index);
  CHECK_FALSE(fs::exists(directory.model(3)));
  CHECK(dragoman_test::same_bits(
      dragoman::load_archive(directory.best()).tensors,
      dragoman::load_archive(directory.model(expected.best_step)).tensors));
}

TEST_CASE("a finished run can be resumed with more steps", "[resume]") {
  Case run([](auto& config) { config.schedule = dragoman::ScheduleKind::noam; });
  const Ending expected = run.straight();
  auto config = run.config;
  config.output = run.folder.path("interrupted");
  config.max_steps = 20;
  {
    TinyProcess process(run.corpus, config);
    CHECK(process.trainer.run().steps == 20);
  }
  {
    TinyProcess process(run.corpus, config);
    REQUIRE(process.trainer.resume());
    CHECK(process.trainer.run().steps == 20);  // nothing left to do
    CHECK(process.log.named("train").empty());
  }
  check_same(run.resumed(), expected);
}
