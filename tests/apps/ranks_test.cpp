// Several processes train one model: the same losses for any number of them, an end in time when
// one is gone, and a start from where they were.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "dragoman/data/archive.h"
#include "tests/apps/tiny_task.h"
#include "tests/support/catch.h"
#include "tests/support/free_port.h"
#include "tests/support/python.h"

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using dragoman_test::TemporaryFolder;
using Clock = std::chrono::steady_clock;

constexpr const char* kRanksCommon =
    "train run.json --set training.validate_every=0 --set data.shuffle_buffer=250 "
    "--set data.batch_tokens=128 --set training.report_every=1 --set training.norms_every=0 "
    "--set training.average_best=0 --set training.precision=fp32 ";

/// Settings of a run that saves every ten updates and ends after sixty.
std::string sixty_updates(const std::string& run) {
  return kRanksCommon + std::string("--set training.save_every=10 --set training.max_steps=60 ") +
         "--set training.output=" + run;
}

/// The processes of one run, started and not waited for.
class RankProcesses {
 public:
  RankProcesses(const TemporaryFolder& folder, int size, const std::string& arguments) {
    const std::string port = std::to_string(dragoman_test::free_port());
    for (int rank = 0; rank < size; ++rank) {
      const std::string number = std::to_string(rank);
      const std::string text = "RANK=" + number + " WORLD_SIZE=" + std::to_string(size) +
                               " MASTER_ADDR=127.0.0.1 MASTER_PORT=" + port +
                               " exec '" DRAGOMAN_PROGRAM "' " + arguments + " >out." + number +
                               " 2>err." + number + " </dev/null";
      const pid_t id = ::fork();
      if (id == 0) {
        if (::chdir(folder.path().c_str()) == 0)
          ::execl("/bin/sh", "sh", "-c", text.c_str(), static_cast<char*>(nullptr));
        ::_exit(127);
      }
      ids_.push_back(id);
    }
  }
  ~RankProcesses() {
    for (const pid_t id : ids_)
      if (id > 0) ::kill(id, SIGKILL);
    for (std::size_t rank = 0; rank < ids_.size(); ++rank)
      (void)wait(rank);
  }
  RankProcesses(const RankProcesses&) = delete;
  RankProcesses& operator=(const RankProcesses&) = delete;

  void send(std::size_t rank, int signal) { ::kill(ids_[rank], signal); }
  /// Exit status, or minus the signal that ended it.
  int wait(std::size_t rank) {
    if (ids_[rank] <= 0) return status_[rank];
    int status = 0;
    ::waitpid(ids_[rank], &status, 0);
    ids_[rank] = 0;
    return status_[rank] = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  std::vector<pid_t> ids_;
  std::map<std::size_t, int> status_;
};

/// Runs it to its end with `size` ranks; 1: as an ordinary process.
void train_ranks(const TemporaryFolder& folder, int size, const std::string& arguments) {
  if (size == 1) {
    const auto result = dragoman_test::run_program(folder, arguments);
    INFO(result.err);
    REQUIRE(result.status == 0);
    return;
  }
  RankProcesses ranks(folder, size, arguments);
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(size); ++rank) {
    const int status = ranks.wait(rank);
    INFO(folder.read("err." + std::to_string(rank)));
    REQUIRE(status == 0);
    // One rank speaks for all.
    CHECK(folder.read("err." + std::to_string(rank)).empty() == (rank > 0));
  }
}

struct Curve {
  std::map<std::int64_t, double> losses;
  std::int64_t target_tokens = 0;
  double communication = 0.0;
  std::vector<std::string> warnings;
};

Curve curve_of(const TemporaryFolder& folder, const std::string& run) {
  Curve curve;
  std::istringstream lines(folder.read(run + "/log.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line);
    if (event.at("event") == "warning") curve.warnings.push_back(event.at("message"));
    if (event.at("event") != "train") continue;
    curve.losses[event.at("step")] = event.at("loss");
    curve.target_tokens = event.at("target_tokens");
    curve.communication += event.at("communication_seconds").get<double>();
  }
  return curve;
}

double largest_difference(const Curve& left, const Curve& right) {
  REQUIRE(left.losses.size() == right.losses.size());
  double largest = 0.0;
  for (const auto& [step, loss] : left.losses)
    largest = std::max(largest, std::abs(loss - right.losses.at(step)));
  return largest;
}

void check_same_bits(const TemporaryFolder& folder, const std::string& left,
                     const std::string& right) {
  const auto expected = dragoman::load_archive(folder.path(left));
  const auto found = dragoman::load_archive(folder.path(right));
  REQUIRE(expected.tensors.size() == found.tensors.size());
  for (const auto& [name, tensor] : expected.tensors) {
    CAPTURE(name);
    CHECK(found.tensors.at(name).equal(tensor));
  }
}

std::string equal_batch(int ranks, const std::string& run, int steps) {
  return kRanksCommon + std::string("--set model.dropout=0 --set training.accumulate=") +
         std::to_string(4 / ranks) + " --set training.save_every=50 --set training.output=" + run +
         " --set training.max_steps=" + std::to_string(steps);
}

void wait_for_step(const TemporaryFolder& folder, const std::string& run, std::int64_t step) {
  const auto begun = Clock::now();
  while (Clock::now() - begun < std::chrono::seconds(60)) {
    if (folder.read(run + "/log.jsonl").find("\"step\":" + std::to_string(step) + ",") !=
        std::string::npos)
      return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  FAIL("the run does not get on: " << folder.read("err.0"));
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
