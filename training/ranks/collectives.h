// What ranks agree on and tell each other, in terms of Communicator's sums and broadcasts. As
// there, every rank makes the same calls in the same order; with one rank they cost nothing.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dragoman/training/ranks/communicator.h"

namespace dragoman {

/// True when it is on any rank.
[[nodiscard]] bool is_on_any(Communicator& communicator, bool mine);
/// What rank 0 says.
[[nodiscard]] bool of_first(Communicator& communicator, bool mine);
[[nodiscard]] std::string of_first(Communicator& communicator, const std::string& mine);
[[nodiscard]] std::vector<std::string> of_first(Communicator& communicator,
                                                const std::vector<std::string>& mine);
/// Gives `tensor`, of any device and layout, the values that it has on rank 0.
void copy_from_first(Communicator& communicator, at::Tensor tensor);

/// `row`: [n] uint8, of the same size on all ranks. Returns [ranks, n].
[[nodiscard]] at::Tensor gather(Communicator& communicator, const at::Tensor& row);
/// The lists of all ranks, by rank. Any bytes.
[[nodiscard]] std::vector<std::vector<std::string>> gather(Communicator& communicator,
                                                           const std::vector<std::string>& mine);

/// Rank 0 does `work`, for as long as it takes, in another thread; meanwhile the ranks make sure
/// about every second that all are there. Rethrows what `work` throws on rank 0, and on the others
/// throws SystemError then.
void let_first_work(Communicator& communicator, const std::function<void()>& work);

}  // namespace dragoman
