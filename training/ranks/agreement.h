// What the ranks of a run hold in common: rank 0 decides and has read the checkpoint, the others
// follow. With one rank nothing happens.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "dragoman/modules/transformer.h"
#include "dragoman/training/moving_average.h"
#include "dragoman/training/optimizer.h"
#include "dragoman/training/ranks/communicator.h"
#include "dragoman/training/snapshot.h"
#include "dragoman/training/stop_reason.h"
#include "dragoman/training/time_budget.h"

namespace dragoman {

/// Taken before each update.
struct Decision {
  std::optional<StopReason> stop;
  std::optional<FittedSchedule> schedule;
};

/// That of rank 0; but `interrupted` on any rank stops all.
[[nodiscard]] Decision agree(Communicator& communicator, const Decision& mine);

/// What rank 0 restored.
[[nodiscard]] std::optional<Snapshot> share(Communicator& communicator,
                                            const std::optional<Snapshot>& mine);

/// Gives all ranks the weights, the state of the optimiser and the averages (may be null) of rank
/// 0.
void share(Communicator& communicator, const Transformer& model, Optimizer& optimizer,
           const MovingAverage* average);

/// The ranks whose weights are not those of rank 0 to the bit, as must not be between processors of
/// one kind.
[[nodiscard]] std::vector<std::int64_t> strayed_ranks(Communicator& communicator,
                                                      const Transformer& model);

/// Sets each rank's random generators as its row of `states` says ([ranks, bytes] of rank 0, see
/// generators_of); where there is none for this number of ranks, rank 0 keeps its own and the
/// others begin anew, by `seed` and `step`.
void share_generators(Communicator& communicator, at::Device device, const at::Tensor& states,
                      std::int64_t seed, std::int64_t step);

}  // namespace dragoman
