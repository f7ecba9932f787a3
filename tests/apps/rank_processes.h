// Processes that train one model together, and what became of their runs.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "dragoman/data/archive.h"
#include "tests/apps/tiny_task.h"
#include "tests/support/catch.h"
#include "tests/support/free_port.h"

namespace dragoman_test {

inline constexpr const char* kRanksCommon =
    "train run.json --set training.validate_every=0 --set data.shuffle_buffer=250 "
    "--set data.batch_tokens=128 --set training.report_every=1 --set training.norms_every=0 "
    "--set training.average_best=0 --set training.precision=fp32 ";

/// The processes of one run, started and not waited for.
class RankProcesses {
 public:
  /// `hosts`: of each rank, the command that runs another on its host; empty: all are on this one.
  /// `address`: of the first.
  RankProcesses(const TemporaryFolder& folder, int size, const std::string& arguments,
                const std::vector<std::string>& hosts = {},
                const std::string& address = "127.0.0.1") {
    const std::string port = std::to_string(free_port());
    for (int rank = 0; rank < size; ++rank) {
      const std::string number = std::to_string(rank);
      const std::string text = "RANK=" + number + " WORLD_SIZE=" + std::to_string(size) +
                               " MASTER_ADDR=" + address + " MASTER_PORT=" + port + " exec " +
                               (hosts.empty() ? "" : hosts[static_cast<std::size_t>(rank)] + " ") +
                               "'" DRAGOMAN_PROGRAM "' " + arguments + " >out." + number +
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
inline void train_ranks(const TemporaryFolder& folder, int size, const std::string& arguments) {
  if (size == 1) {
    const auto result = run_program(folder, arguments);
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
  double megabytes = 0.0;  ///< sent in the last update
  std::vector<std::string> warnings;
};

inline Curve curve_of(const TemporaryFolder& folder, const std::string& run) {
  Curve curve;
  std::istringstream lines(folder.read(run + "/log.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto event = nlohmann::json::parse(line);
    if (event.at("event") == "warning") curve.warnings.push_back(event.at("message"));
    if (event.at("event") != "train") continue;
    curve.losses[event.at("step")] = event.at("loss");
    curve.target_tokens = event.at("target_tokens");
    curve.megabytes = event.at("megabytes_sent");
    curve.communication += event.at("communication_seconds").get<double>();
  }
  return curve;
}

inline double largest_difference(const Curve& left, const Curve& right) {
  REQUIRE(left.losses.size() == right.losses.size());
  double largest = 0.0;
  for (const auto& [step, loss] : left.losses)
    largest = std::max(largest, std::abs(loss - right.losses.at(step)));
  return largest;
}

inline void check_same_bits(const TemporaryFolder& folder, const std::string& left,
                            const std::string& right) {
  const auto expected = dragoman::load_archive(folder.path(left));
  const auto found = dragoman::load_archive(folder.path(right));
  REQUIRE(expected.tensors.size() == found.tensors.size());
  for (const auto& [name, tensor] : expected.tensors) {
    CAPTURE(name);
    CHECK(found.tensors.at(name).equal(tensor));
  }
}

inline void wait_for_step(const TemporaryFolder& folder, const std::string& run,
                          std::int64_t step) {
  const auto begun = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begun < std::chrono::seconds(60)) {
    if (folder.read(run + "/log.jsonl").find("\"step\":" + std::to_string(step) + ",") !=
        std::string::npos)
      return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  FAIL("the run does not get on: " << folder.read("err.0"));
}

}  // namespace dragoman_test
