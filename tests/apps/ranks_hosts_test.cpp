// Ranks on two hosts, which are network namespaces of this machine with a link between them.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "tests/apps/rank_processes.h"
#include "tests/apps/tiny_task.h"
#include "tests/support/catch.h"

namespace {

using Catch::Matchers::Contains;
using dragoman_test::kRanksCommon;
using dragoman_test::RankProcesses;
using dragoman_test::TemporaryFolder;

class TwoHosts {
 public:
  TwoHosts() {
    is_there_ = ::geteuid() == 0 && do_all({"ip netns add " + name(0), "ip netns add " + name(1),
                                            "ip link add veth0 netns " + name(0) +
                                                " type veth peer name veth0 netns " + name(1)});
    for (const int host : {0, 1})
      is_there_ = is_there_ && do_all({on(host) + "ip link set lo up",
                                       on(host) + "ip addr add " + address(host) + "/24 dev veth0",
                                       on(host) + "ip link set veth0 up"});
  }
  ~TwoHosts() {
    for (const int host : {0, 1})
      do_all({"ip netns del " + name(host)});
  }
  TwoHosts(const TwoHosts&) = delete;
  TwoHosts& operator=(const TwoHosts&) = delete;

  [[nodiscard]] bool is_there() const { return is_there_; }
  /// In front of a command: runs it there.
  [[nodiscard]] std::string on(int host) const { return "ip netns exec " + name(host) + " "; }
  [[nodiscard]] static std::string address(int host) {
    return "10.213.7." + std::to_string(host + 1);
  }
  void cut() const { REQUIRE(do_all({on(0) + "ip link set veth0 down"})); }

 private:
  static bool do_all(const std::vector<std::string>& commands) {
    for (const std::string& command : commands)
      if (std::system((command + " >/dev/null 2>&1").c_str()) != 0) return false;
    return true;
  }
  [[nodiscard]] static std::string name(int host) {
    return "dragoman-" + std::to_string(::getpid()) + "-" + std::to_string(host);
  }

  bool is_there_ = false;
};

/// Started by variables alone; whatever hangs is killed after a minute.
RankProcesses start_on(const TwoHosts& hosts, const TemporaryFolder& folder,
                       const std::string& arguments) {
  constexpr const char* kLimit = "timeout --signal=KILL 60";
  return {folder, 2, arguments, {hosts.on(0) + kLimit, hosts.on(1) + kLimit}, TwoHosts::address(0)};
}

}  // namespace

TEST_CASE("ranks on two hosts train as those on one, and both end when the link is cut",
          "[program][ranks][hosts]") {
  const TwoHosts hosts;
  if (!hosts.is_there()) {
    WARN("skipped: no network namespaces (they need root, the program ip and veth)");
    return;
  }
  const TemporaryFolder folder;
  dragoman_test::write_task(folder);
  const std::string flags = kRanksCommon + std::string("--set training.save_every=20 ");
  const std::string twenty = flags + "--set training.max_steps=20 --set training.output=";
  dragoman_test::train_ranks(folder, 2, twenty + "one");
  {
    RankProcesses ranks = start_on(hosts, folder, twenty + "two");
    CHECK(ranks.wait(0) == 0);
    CHECK(ranks.wait(1) == 0);
    INFO(folder.read("err.0") << folder.read("err.1"));
  }
  dragoman_test::check_same_bits(folder, "one/checkpoints/step-20.state.pt",
                                 "two/checkpoints/step-20.state.pt");

  RankProcesses ranks = start_on(hosts, folder,
                                 flags +
                                     "--set training.max_steps=1000000 "
                                     "--set training.communication_timeout=3");
  dragoman_test::wait_for_step(folder, "run", 10);
  hosts.cut();
  const auto begun = std::chrono::steady_clock::now();
  for (const std::size_t rank : {0, 1}) {
    CHECK(ranks.wait(rank) == 5);
    const std::string number = std::to_string(rank);
    CHECK_THAT(folder.read("err." + number),
               Contains("rank " + number +
                        " of 2: another rank ended, hangs or cannot be reached "
                        "(training.communication_timeout: 3 s)"));
  }
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
}
