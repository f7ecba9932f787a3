// kill -9 at any moment, --resume, and the end is the same bits: with the program as it is.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "dragoman/data/archive.h"
#include "tests/apps/tiny_task.h"
#include "tests/support/catch.h"

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using dragoman_test::run_program;
using dragoman_test::TemporaryFolder;

constexpr const char* kCommon =
    "train run.json --set training.save_every=3 "
    "--set training.keep_last=3 --set training.keep_best=2 --set training.average_best=2 "
    "--set training.validate_every=12 --set training.best_metric=loss "
    "--set training.validate_by_decoding=false --set data.shuffle_buffer=250 "
    "--set data.batch_tokens=128";

std::string command(const std::string& run, int steps) {
  return std::string(kCommon) + " --set training.output=" + run +
         " --set training.max_steps=" + std::to_string(steps);
}

/// A process of the program that has been started and not waited for.
class Process {
 public:
  Process(const TemporaryFolder& folder, const std::string& arguments) : id_(::fork()) {
    if (id_ != 0) return;
    const std::string text = "exec '" DRAGOMAN_PROGRAM "' " + arguments + " >out 2>err </dev/null";
    if (::chdir(folder.path().c_str()) == 0)
      ::execl("/bin/sh", "sh", "-c", text.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ~Process() { kill_now(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] bool is_running() {
    if (id_ > 0 && ::waitpid(id_, &status_, WNOHANG) == id_) id_ = 0;
    return id_ > 0;
  }
  /// SIGKILL; true when it was still running.
  bool kill_now() {
    if (id_ <= 0) return false;
    ::kill(id_, SIGKILL);
    ::waitpid(id_, &status_, 0);
    id_ = 0;
    return WIFSIGNALED(status_);
  }

 private:
  pid_t id_;
  int status_ = 0;
};

/// The last update with a complete pair of files; 0: none.
int last_step(const fs::path& run) {
  std::error_code none;
  int last = 0;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints", none)) {
    const std::string name = entry.path().filename().string();
    const auto end = name.find(".state.pt");
    if (!name.starts_with("step-") || end == std::string::npos) continue;
    const int step = std::stoi(name.substr(5, end - 5));
    if (fs::exists(run / "checkpoints" / ("step-" + std::to_string(step) + ".pt")))
      last = std::max(last, step);
  }
  return last;
}

struct Kills {
  int at_work = 0;   ///< found the process running
  int resuming = 0;  ///< of these, later processes than the one that began
};

/// Starts and kills the program again and again: sometimes while it sets itself up, mostly some
/// milliseconds after one or a few new checkpoints, which at one checkpoint in three updates is
/// often in the middle of writing one.
Kills kill_repeatedly(const TemporaryFolder& folder, int rounds, int steps, std::mt19937& random) {
  using Milliseconds = std::chrono::milliseconds;
  const auto draw = [&random](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  const fs::path run = folder.path("killed");
  Kills kills;
  for (int round = 0; round < rounds; ++round) {
    const int before = last_step(run);
    Process process(folder, command("killed", steps) + " --resume");
    if (round % 4 == 0) {
      std::this_thread::sleep_for(Milliseconds(draw(0, 400)));
    } else {
      const int wanted = before + 3 * draw(1, 3);
      while (process.is_running() && last_step(run) < wanted)
        std::this_thread::sleep_for(std::chrono::microseconds(500));
      std::this_thread::sleep_for(std::chrono::microseconds(draw(0, 25000)));
    }
    if (!process.is_running()) break;  // it reached its end
    process.kill_now();
    ++kills.at_work;
    kills.resuming += before > 0 ? 1 : 0;
    CHECK(last_step(run) >= before);
    CHECK_THAT(folder.read("err"), !Contains("cannot be resumed from"));
  }
  return kills;
}

void check_same_files(const TemporaryFolder& folder) {
  const fs::path straight = folder.path("straight");
  const fs::path killed = folder.path("killed");
  int models = 0;
  for (const auto& entry : fs::recursive_directory_iterator(straight)) {
    const auto name = fs::relative(entry.path(), straight);
    CAPTURE(name.string());
    REQUIRE(fs::exists(killed / name));
    if (entry.path().extension() == ".spm" || name == "checkpoints/index.json")
      CHECK(folder.read("straight/" + name.string()) == folder.read("killed/" + name.string()));
    if (entry.path().extension() != ".pt") continue;
    const auto expected = dragoman::load_archive(entry.path().string());
    const auto found = dragoman::load_archive((killed / name).string());
    REQUIRE(expected.tensors.size() == found.tensors.size());
    for (const auto& [key, tensor] : expected.tensors) {
      CAPTURE(key);
      CHECK(found.tensors.at(key).equal(tensor));
    }
    ++models;
  }
  CHECK(models >= 8);  // three or more pairs, best.pt, averaged.pt
  for (const auto& entry : fs::recursive_directory_iterator(killed)) {
    CAPTURE(entry.path().string());
    CHECK(fs::exists(straight / fs::relative(entry.path(), killed)));  // nothing is left over
  }
}

void check_kills(int rounds) {
  const int steps = 12 * rounds;  // enough for the longest way between two kills
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  const auto whole = run_program(folder, command("straight", steps));
  INFO(whole.err);
  REQUIRE(whole.status == 0);
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const Kills kills = kill_repeatedly(folder, rounds, steps, random);
  CHECK(kills.at_work > rounds / 2);
  CHECK(kills.resuming > 0);
  const auto end = run_program(folder, command("killed", steps) + " --resume");
  INFO(end.err);
  REQUIRE(end.status == 0);
  check_same_files(folder);
}

}  // namespace

TEST_CASE("a training killed with SIGKILL and resumed ends in the same bits",
          "[program][train][resume]") {
  check_kills(6);
}

TEST_CASE("a training killed many times ends in the same bits", "[program][train][resume][.slow]") {
  for (int repetition = 0; repetition < 5; ++repetition)
    check_kills(16);
}
