// Which of several processes of a run this one is, by the environment that torchrun, Slurm's srun
// or an mpirun gives to each.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace dragoman {

struct Launch {
  int rank = 0;
  int size = 1;      ///< 1: an ordinary run; the rest but `restarts` then has no meaning
  int restarts = 0;  ///< how often the launcher has started the run again
  int local_rank = 0;
  int local_size = 1;      ///< processes on this machine
  std::string address;     ///< where rank 0 is reached, or the launcher
  int port = 0;            ///< there
  bool is_hosted = false;  ///< the launcher listens at the port, else rank 0 does
  std::string interface;   ///< the network interface to use, "eth0"; empty: the one towards address
};

/// The value of a variable; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string&)>;

/// Understands, in this order,
///   torchrun  RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT,
///             TORCHELASTIC_RESTART_COUNT, TORCHELASTIC_USE_AGENT_STORE (its own variables; whoever
///             starts the processes by hand sets the first two and the address)
///   Slurm     SLURM_PROCID, SLURM_STEP_NUM_TASKS or SLURM_NTASKS, SLURM_LOCALID; the address is
///             the first node, the port follows from the job's number, unless MASTER_ADDR and
///             MASTER_PORT are set
///   Open MPI  OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK, _LOCAL_SIZE; the address and the port have
///             to be set when the processes are on several machines
///   MPICH     PMI_RANK, PMI_SIZE, MPI_LOCALRANKID, MPI_LOCALNRANKS; likewise, and always the port
/// and GLOO_SOCKET_IFNAME with each. Throws UsageError for values that make no sense.
[[nodiscard]] Launch launch_of(const Environment& environment);

}  // namespace dragoman
