// Several processes train one model: the same losses for any number of them, an end in time when
// one is gone, and a start from where they were.
#include <signal.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/apps/rank_processes.h"
#include "tests/apps/tiny_task.h"
#include "tests/support/catch.h"
#include "tests/support/python.h"

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using dragoman_test::check_same_bits;
using dragoman_test::Curve;
using dragoman_test::curve_of;
using dragoman_test::kRanksCommon;
using dragoman_test::largest_difference;
using dragoman_test::RankProcesses;
using dragoman_test::TemporaryFolder;
using dragoman_test::train_ranks;
using dragoman_test::wait_for_step;
using Clock = std::chrono::steady_clock;

/// Settings of a run that saves every ten updates and ends after sixty.
std::string sixty_updates(const std::string& run) {
  return kRanksCommon + std::string("--set training.save_every=10 --set training.max_steps=60 ") +
         "--set training.output=" + run;
}

std::string equal_batch(int ranks, const std::string& run, int steps) {
  return kRanksCommon + std::string("--set model.dropout=0 --set training.accumulate=") +
         std::to_string(4 / ranks) + " --set training.save_every=50 --set training.output=" + run +
         " --set training.max_steps=" + std::to_string(steps);
}

}  // namespace

TEST_CASE("1, 2 and 4 ranks have the same losses at equal batches", "[program][ranks]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  std::map<int, Curve> curves;
  for (const int size : {1, 2, 4}) {
    const std::string run = "run" + std::to_string(size);
    train_ranks(folder, size, equal_batch(size, run, 200));
    curves[size] = curve_of(folder, run);
    CHECK(curves[size].losses.size() == 200);
    CHECK(curves[size].losses.at(200) < 0.7 * curves[size].losses.at(1));
    CHECK(curves[size].target_tokens == curves[1].target_tokens);
    CHECK((curves[size].communication > 0.0) == (size > 1));
    // At each checkpoint the ranks compare their weights, bit by bit.
    CHECK(curves[size].warnings.empty());
  }
  CHECK(largest_difference(curves[2], curves[1]) < 1e-4);
  CHECK(largest_difference(curves[4], curves[1]) < 1e-4);
  WARN("largest difference of the losses: 2 ranks " << largest_difference(curves[2], curves[1])
                                                    << ", 4 ranks "
                                                    << largest_difference(curves[4], curves[1]));
}

TEST_CASE("ranks stop together at a signal to one, and go on as any number of ranks",
          "[program][ranks]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  const std::string flags = equal_batch(2, "straight", 50);
  train_ranks(folder, 2, flags);
  const Curve expected = curve_of(folder, "straight");
  for (const int size : {1, 2, 4}) {
    CAPTURE(size);
    const std::string run = "stopped" + std::to_string(size);
    {
      RankProcesses ranks(folder, 2, equal_batch(2, run, 50));
      wait_for_step(folder, run, 12);
      ranks.send(1, SIGTERM);
      CHECK(ranks.wait(0) == 0);
      CHECK(ranks.wait(1) == 0);
      CHECK_THAT(folder.read("err.0"), Contains("go on with --resume"));
    }
    train_ranks(folder, size, equal_batch(size, run, 50) + " --resume");
    const Curve resumed = curve_of(folder, run);
    CHECK(largest_difference(resumed, expected) < 1e-4);
    CHECK(resumed.target_tokens == expected.target_tokens);
    CHECK(resumed.warnings.empty());
  }
}

TEST_CASE("a run of ranks that is stopped and resumed ends in the same bits, dropout included",
          "[program][ranks]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  train_ranks(folder, 2, sixty_updates("straight"));
  {
    RankProcesses ranks(folder, 2, sixty_updates("stopped"));
    wait_for_step(folder, "stopped", 23);
    ranks.send(0, SIGKILL);
    CHECK(ranks.wait(0) == -SIGKILL);
    CHECK(ranks.wait(1) == 5);
    CHECK_THAT(folder.read("err.1"), Contains("rank 1 of 2: another rank ended, hangs"));
  }
  train_ranks(folder, 2, sixty_updates("stopped") + " --resume");
  check_same_bits(folder, "straight/checkpoints/step-60.pt", "stopped/checkpoints/step-60.pt");
  check_same_bits(folder, "straight/checkpoints/step-60.state.pt",
                  "stopped/checkpoints/step-60.state.pt");
}

TEST_CASE(
    "ranks that share the optimiser's state end in the same bits, and so do their checkpoints",
    "[program][ranks]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  const std::string flags = R"( --set training.ema=0.9 --set training.groups='[)"
                            R"({"pattern": "encoder.*", "learning_rate": 0.5},)"
                            R"({"pattern": "*norm*", "learning_rate": 0}]')";
  const std::string shared = flags + " --set training.shard_optimizer=true";
  train_ranks(folder, 2, sixty_updates("straight") + flags);
  train_ranks(folder, 2, sixty_updates("shared") + shared);
  for (const std::string archive : {"step-30.state.pt", "step-60.pt", "step-60.state.pt"})
    check_same_bits(folder, "straight/checkpoints/" + archive, "shared/checkpoints/" + archive);
  CHECK(curve_of(folder, "shared").warnings.empty());
  CHECK_THAT(folder.read("shared/log.jsonl"), Contains("\"numbers_kept\":"));
  // Stopped with, resumed without, and the other way round.
  for (const std::string& before : {flags, shared}) {
    const std::string run = before == shared ? "with" : "without";
    train_ranks(folder, 2, sixty_updates(run) + before + " --set training.max_steps=30");
    train_ranks(folder, 2, sixty_updates(run) + (before == shared ? flags : shared) + " --resume");
    check_same_bits(folder, "straight/checkpoints/step-60.state.pt",
                    run + "/checkpoints/step-60.state.pt");
  }
}

TEST_CASE("a state that ranks shared is resumed by any number of them", "[program][ranks]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  const std::string shared = " --set training.shard_optimizer=true";
  train_ranks(folder, 1, equal_batch(1, "straight", 40));
  const Curve expected = curve_of(folder, "straight");
  for (const int size : {1, 2, 4}) {
    CAPTURE(size);
    const std::string run = "to" + std::to_string(size);
    train_ranks(folder, 2, equal_batch(2, run, 20) + shared);
    train_ranks(folder, size, equal_batch(size, run, 40) + shared + " --resume");
    const Curve resumed = curve_of(folder, run);
    CHECK(largest_difference(resumed, expected) < 1e-4);
    CHECK(resumed.target_tokens == expected.target_tokens);
    CHECK(resumed.warnings.empty());
  }
}

TEST_CASE("gradients sent as bfloat16 take half as much and learn the same", "[program][ranks]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  train_ranks(folder, 2, equal_batch(2, "whole", 200));
  train_ranks(folder, 2, equal_batch(2, "half", 200) + " --set training.compress_gradients=bf16");
  const Curve whole = curve_of(folder, "whole");
  const Curve half = curve_of(folder, "half");
  const double difference = largest_difference(half, whole);
  CHECK(difference > 0.0);
  CHECK(difference < 0.05);
  CHECK(half.losses.at(200) == Approx(whole.losses.at(200)).epsilon(0.01));
  CHECK(half.warnings.empty());  // the ranks have the same weights
  CHECK(half.megabytes < 0.52 * whole.megabytes);
  CHECK(half.megabytes > 0.49 * whole.megabytes);
  WARN("largest difference of the losses: " << difference);
}

TEST_CASE("a rank that is killed or stops answering ends the others in time", "[program][ranks]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  const int signal = GENERATE(SIGKILL, SIGSTOP);
  CAPTURE(signal);
  RankProcesses ranks(folder, 2,
                      kRanksCommon + std::string("--set training.max_steps=100000 "
                                                 "--set training.communication_timeout=3"));
  wait_for_step(folder, "run", 10);
  ranks.send(1, signal);
  const auto begun = Clock::now();
  CHECK(ranks.wait(0) == 5);
  CHECK(Clock::now() - begun < std::chrono::seconds(10));
  CHECK_THAT(folder.read("err.0"),
             Contains("rank 0 of 2: another rank ended, hangs or cannot be reached "
                      "(training.communication_timeout: 3 s)"));
  CHECK_THAT(folder.read("run/log.jsonl"), Contains("\"event\":\"failed\""));
}

TEST_CASE("ranks validate together and stop at the same update", "[program][ranks]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  const std::string flags =
      "train run.json --set training.validate_every=5 --set training.patience=2 "
      "--set training.best_metric=bleu --set training.learning_rate=0 --set model.dropout=0 "
      "--set training.max_steps=100 --set training.average_best=2 ";
  train_ranks(folder, 1, flags + "--set training.output=one");
  train_ranks(folder, 3, flags + "--set training.output=three");
  std::map<std::string, std::vector<nlohmann::json>> validations;
  for (const std::string run : {"one", "three"}) {
    std::istringstream lines(folder.read(run + "/log.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      auto event = nlohmann::json::parse(line);
      if (event.at("event") == "validation") validations[run].push_back(std::move(event));
    }
    REQUIRE(validations[run].size() == 3);
    CHECK(fs::exists(folder.path(run + "/averaged.pt")));
    CHECK(fs::exists(folder.path(run + "/best.pt")));
  }
  for (std::size_t index = 0; index < 3; ++index) {
    const auto& one = validations["one"][index];
    const auto& three = validations["three"][index];
    CHECK(one.at("step") == three.at("step"));
    CHECK(one.at("bleu") == three.at("bleu"));
    CHECK(one.at("chrf") == three.at("chrf"));
    CHECK(std::abs(one.at("loss").get<double>() - three.at("loss").get<double>()) < 1e-6);
  }
}

TEST_CASE("what is wrong with a run of ranks is said once", "[program][ranks]") {
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  RankProcesses ranks(folder, 2,
                      kRanksCommon + std::string("--set tokenizer.source_model=missing.spm "
                                                 "--set training.communication_timeout=20"));
  CHECK(ranks.wait(0) == 3);
  CHECK(ranks.wait(1) == 5);
  CHECK_THAT(folder.read("err.0"), Contains("missing.spm"));
  CHECK_THAT(folder.read("err.1"), Contains("rank 0 could not set the run up"));
}

TEST_CASE("torchrun starts a run again after a rank was killed, and it ends in the same bits",
          "[program][ranks]") {
  const std::string torchrun = fs::path(dragoman_test::python()).parent_path() / "torchrun";
  if (!fs::exists(torchrun)) {
    WARN("skipped: no torchrun in the virtual environment");
    return;
  }
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  train_ranks(folder, 2, sixty_updates("straight"));
  // The second rank of the first start kills itself at its 23rd update.
  folder.write("start.sh", R"(if [ "$RANK$TORCHELASTIC_RESTART_COUNT" = 10 ]; then
  ( until grep -q '"step":23,' killed/log.jsonl; do sleep 0.01; done; kill -9 $$ ) 2>/dev/null &
fi
exec "$DRAGOMAN" "$@"
)");
  const auto result = dragoman_test::run_shell(
      folder, "'" + torchrun +
                  "' --no-python --nproc-per-node 2 --max-restarts 1 "
                  "--rdzv-backend c10d --rdzv-endpoint 127.0.0.1:0 --monitor-interval 0.1 "
                  "sh start.sh " +
                  sixty_updates("killed"));
  INFO(result.err);
  REQUIRE(result.status == 0);
  CHECK_THAT(result.err, Contains("restarts=1") && Contains("resumed step="));
  check_same_bits(folder, "straight/checkpoints/step-60.pt", "killed/checkpoints/step-60.pt");
}
