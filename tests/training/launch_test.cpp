#include "dragoman/training/ranks/launch.h"

#include <map>
#include <string>

#include "dragoman/data/error.h"
#include "tests/support/catch.h"

namespace {

using Variables = std::map<std::string, std::string>;

dragoman::Launch launched(const Variables& variables) {
  return dragoman::launch_of([&variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return {};
    return found->second;
  });
}

}  // namespace

TEST_CASE("a plain run is one process", "[launch]") {
  CHECK(launched({}).size == 1);
  CHECK(launched({{"RANK", "0"}, {"WORLD_SIZE", "1"}}).size == 1);
  CHECK(launched({{"RANK", "0"}, {"WORLD_SIZE", "1"}, {"TORCHELASTIC_RESTART_COUNT", "1"}})
            .restarts == 1);
  CHECK(launched({{"WORLD_SIZE", "4"}}).size == 1);
  CHECK(launched({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "1"}}).size == 1);
}

TEST_CASE("torchrun's variables are understood", "[launch]") {
  const auto launch = launched({{"RANK", "5"},
                                {"WORLD_SIZE", "8"},
                                {"LOCAL_RANK", "1"},
                                {"LOCAL_WORLD_SIZE", "4"},
                                {"MASTER_ADDR", "host7"},
                                {"MASTER_PORT", "29511"},
                                {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                {"TORCHELASTIC_RESTART_COUNT", "2"},
                                {"GLOO_SOCKET_IFNAME", "eth1"}});
  CHECK(launch.rank == 5);
  CHECK(launch.size == 8);
  CHECK(launch.local_rank == 1);
  CHECK(launch.local_size == 4);
  CHECK(launch.address == "host7");
  CHECK(launch.port == 29511);
  CHECK(launch.is_hosted);
  CHECK(launch.restarts == 2);
  CHECK(launch.interface == "eth1");
}

TEST_CASE("Slurm's variables are understood", "[launch]") {
  Variables variables{{"SLURM_PROCID", "3"},    {"SLURM_NTASKS", "16"},
                      {"SLURM_LOCALID", "1"},   {"SLURM_TASKS_PER_NODE", "2(x8)"},
                      {"SLURM_JOB_ID", "4711"}, {"SLURM_JOB_NODELIST", "gpu[03-07,11],cpu1"}};
  const auto launch = launched(variables);
  CHECK(launch.rank == 3);
  CHECK(launch.size == 16);
  CHECK(launch.local_rank == 1);
  CHECK(launch.local_size == 2);
  CHECK(launch.address == "gpu03");
  CHECK(launch.port >= 20000);
  CHECK(launch.port < 30000);
  CHECK_FALSE(launch.is_hosted);
  for (const auto& [nodes, first] : Variables{{"n1", "n1"},
                                              {"n1,n2", "n1"},
                                              {"n[7]", "n7"},
                                              {"a-b[007,9]", "a-b007"},
                                              {"n1,m[2-3]", "n1"}}) {
    variables["SLURM_JOB_NODELIST"] = nodes;
    CHECK(launched(variables).address == first);
  }
  // A step of a job may have fewer tasks and nodes than the job.
  variables["SLURM_STEP_NUM_TASKS"] = "4";
  variables["SLURM_STEP_TASKS_PER_NODE"] = "4";
  variables["SLURM_STEP_NODELIST"] = "gpu07";
  CHECK(launched(variables).size == 4);
  CHECK(launched(variables).local_size == 4);
  CHECK(launched(variables).address == "gpu07");
  variables["MASTER_ADDR"] = "10.0.0.1";
  variables["MASTER_PORT"] = "1234";
  CHECK(launched(variables).address == "10.0.0.1");
  CHECK(launched(variables).port == 1234);
}

TEST_CASE("Open MPI's variables are understood", "[launch]") {
  Variables variables{{"OMPI_COMM_WORLD_RANK", "1"},
                      {"OMPI_COMM_WORLD_SIZE", "2"},
                      {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                      {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                      {"PMIX_NAMESPACE", "12345@1"}};
  CHECK(launched(variables).rank == 1);
  CHECK(launched(variables).address == "127.0.0.1");
  variables["OMPI_COMM_WORLD_LOCAL_SIZE"] = "1";
  CHECK_THROWS_WITH(launched(variables), Catch::Contains("there are 2 ranks, but MASTER_ADDR is "
                                                         "not set"));
  variables["MASTER_ADDR"] = "head";
  CHECK(launched(variables).address == "head");
}

TEST_CASE("variables that make no sense are refused by name", "[launch]") {
  const Variables good{
      {"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "h"}, {"MASTER_PORT", "29500"}};
  CHECK(launched(good).size == 2);
  const auto refused = [&good](const std::string& name, const std::string& value,
                               const std::string& message) {
    Variables bad = good;
    bad[name] = value;
    CHECK_THROWS_AS(launched(bad), dragoman::UsageError);
    CHECK_THROWS_WITH(launched(bad), Catch::Contains(message));
  };
  refused("RANK", "2", "RANK: is \"2\", but must be a whole number from 0 to 1");
  refused("RANK", "-1", "RANK: is \"-1\"");
  refused("RANK", "x", "RANK: is \"x\"");
  refused("RANK", "", "RANK: is \"\"");
  refused("WORLD_SIZE", "2.5", "WORLD_SIZE: is \"2.5\"");
  refused("MASTER_PORT", "70000", "MASTER_PORT: is \"70000\"");
  refused("LOCAL_RANK", "7", "LOCAL_RANK: is \"7\"");
  Variables bad = good;
  bad.erase("MASTER_PORT");
  CHECK_THROWS_WITH(launched(bad), Catch::Contains("MASTER_PORT is not set"));
}

TEST_CASE("MPICH's variables are understood", "[launch]") {
  Variables variables{
      {"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "1"}, {"MPI_LOCALNRANKS", "2"}};
  CHECK_THROWS_WITH(launched(variables), Catch::Contains("MASTER_PORT is not set"));
  variables["MASTER_PORT"] = "29500";
  CHECK(launched(variables).rank == 1);
  CHECK(launched(variables).local_rank == 1);
  CHECK(launched(variables).address == "127.0.0.1");
}
