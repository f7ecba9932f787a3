#include "dragoman/training/ranks/launch.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

/// Names of the variables of a launcher.
struct Launcher {
  const char* rank;
  const char* size;
  const char* local_rank;
  const char* local_size;
  const char* job;  ///< differs between runs and is the same for all ranks of one; "": none is
};

constexpr std::array kLaunchers{
    Launcher{"RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID"},
    Launcher{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE",
             "SLURM_JOB_ID"},
    Launcher{"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_TASKS_PER_NODE",
             "SLURM_JOB_ID"},
    Launcher{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
             "OMPI_COMM_WORLD_LOCAL_SIZE", "PMIX_NAMESPACE"},
    Launcher{"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", ""}};

std::optional<int> leading_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), value);
  if (error != std::errc() || end == text.begin()) return {};
  return value;
}

/// A variable that is a whole number from `least` to `most`.
int whole_number(const Environment& environment, const std::string& name, int least, int most) {
  const std::string text = environment(name).value_or("");
  const std::optional<int> value = leading_number(text);
  if (!value || std::to_string(*value) != text || *value < least || *value > most)
    throw UsageError(fmt::format(
        "{}: is \"{}\", but must be a whole number from {} to {}. It is set by the program that "
        "starts the ranks (torchrun, srun, mpirun); unset it to train in one process.",
        name, text, least, most));
  return *value;
}

/// The first of "node[03-07,9],other", "node1,node2": "node03", "node1".
std::string first_node(const std::string& nodes) {
  const std::size_t bracket = nodes.find_first_of(",[");
  std::string first = nodes.substr(0, bracket);
  if (bracket == std::string::npos || nodes[bracket] == ',') return first;
  return first + nodes.substr(bracket + 1, nodes.find_first_of(",-]", bracket) - bracket - 1);
}

/// A port that the ranks of one job find alike and two jobs on a machine mostly do not share.
int port_of(std::string_view job) {
  std::uint32_t hash = 2166136261U;  // FNV-1a
  for (const char letter : job)
    hash = (hash ^ static_cast<unsigned char>(letter)) * 16777619U;
  return 20000 + static_cast<int>(hash % 10000U);
}

void find_address(const Environment& environment, const Launcher& launcher, Launch& launch) {
  const auto nodes = environment("SLURM_STEP_NODELIST") ? environment("SLURM_STEP_NODELIST")
                                                        : environment("SLURM_JOB_NODELIST");
  const bool is_slurm = std::string_view(launcher.rank) == "SLURM_PROCID";
  if (const auto given = environment("MASTER_ADDR")) {
    launch.address = *given;
  } else if (is_slurm && nodes) {
    launch.address = first_node(*nodes);
  } else if (launch.local_size == launch.size) {
    launch.address = "127.0.0.1";
  }
  const auto job = environment(launcher.job);
  if (environment("MASTER_PORT")) {
    launch.port = whole_number(environment, "MASTER_PORT", 1, 65535);
  } else if (job) {
    launch.port = port_of(*job);
  }
  if (launch.address.empty() || launch.port == 0)
    throw UsageError(fmt::format(
        "{}: there are {} ranks, but {} is not set. Give every rank MASTER_ADDR (the "
        "machine of rank 0) and MASTER_PORT (a free port there), or start them with "
        "torchrun.",
        launcher.size, launch.size, launch.address.empty() ? "MASTER_ADDR" : "MASTER_PORT"));
}

}  // namespace

Launch launch_of(const Environment& environment) {
  for (const Launcher& launcher : kLaunchers) {
    if (!environment(launcher.rank) || !environment(launcher.size)) continue;
    Launch launch;
    launch.size = whole_number(environment, launcher.size, 1, std::numeric_limits<int>::max());
    if (environment("TORCHELASTIC_RESTART_COUNT"))
      launch.restarts = whole_number(environment, "TORCHELASTIC_RESTART_COUNT", 0,
                                     std::numeric_limits<int>::max());
    if (launch.size == 1) return launch;
    launch.rank = whole_number(environment, launcher.rank, 0, launch.size - 1);
    if (environment(launcher.local_rank))
      launch.local_rank = whole_number(environment, launcher.local_rank, 0, launch.size - 1);
    // Slurm writes "2(x3)" for three machines with two each, "2,1" for others.
    launch.local_size = leading_number(environment(launcher.local_size).value_or("")).value_or(1);
    find_address(environment, launcher, launch);
    launch.is_hosted = environment("TORCHELASTIC_USE_AGENT_STORE") == "True";
    launch.interface = environment("GLOO_SOCKET_IFNAME").value_or("");
    return launch;
  }
  return {};
}

}  // namespace dragoman
