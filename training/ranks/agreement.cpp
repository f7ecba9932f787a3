#include "dragoman/training/ranks/agreement.h"

#include <ATen/ATen.h>

#include <map>
#include <string>

#include "dragoman/data/corpus_summary.h"
#include "dragoman/modules/weights.h"
#include "dragoman/training/generators.h"
#include "dragoman/training/ranks/collectives.h"

namespace dragoman {
namespace {

void copy_all_from_first(Communicator& communicator,
                         const std::map<std::string, at::Tensor>& tensors) {
  for (const auto& [name, tensor] : tensors)
    copy_from_first(communicator, tensor);
}

}  // namespace

Decision agree(Communicator& communicator, const Decision& mine) {
  if (communicator.size() == 1) return mine;
  const bool is_interrupted = mine.stop == StopReason::interrupted;
  const FittedSchedule fitted = mine.schedule.value_or(FittedSchedule{});
  at::Tensor sums = at::zeros({6}, at::kLong);
  auto* values = sums.mutable_data_ptr<std::int64_t>();
  values[0] = is_interrupted ? 1 : 0;
  if (communicator.is_first()) {
    values[1] = mine.stop && !is_interrupted ? static_cast<std::int64_t>(*mine.stop) + 1 : 0;
    values[2] = fitted.max_steps;
    values[3] = fitted.warmup_steps;
    values[4] = fitted.validate_every;
    values[5] = fitted.save_every;
  }
  communicator.sum(sums);
  Decision decision;
  if (values[1] > 0) decision.stop = static_cast<StopReason>(values[1] - 1);
  if (values[0] > 0) decision.stop = StopReason::interrupted;
  if (values[2] > 0) decision.schedule = FittedSchedule{values[2], values[3], values[4], values[5]};
  return decision;
}

std::optional<Snapshot> share(Communicator& communicator, const std::optional<Snapshot>& mine) {
  if (communicator.size() == 1) return mine;
  const std::string text = of_first(communicator, mine ? to_json_text(*mine) : std::string());
  if (text.empty() || communicator.is_first()) return mine;
  return snapshot_from_json(text, "the checkpoint of rank 0");
}

void share(Communicator& communicator, const Transformer& model, Optimizer& optimizer,
           const MovingAverage* average) {
  if (communicator.size() == 1) return;
  copy_all_from_first(communicator, named_weights(*model));
  optimizer.share_state(communicator);
  if (average != nullptr) copy_all_from_first(communicator, average->weights());
}

std::vector<std::int64_t> strayed_ranks(Communicator& communicator, const Transformer& model) {
  if (communicator.size() == 1) return {};
  std::uint64_t hash = 0;
  for (const auto& [name, tensor] : named_weights(*model)) {
    const at::Tensor values = tensor.detach().cpu().contiguous();
    hash = 31 * hash + hash_bytes({static_cast<const char*>(values.const_data_ptr()),
                                   static_cast<std::size_t>(values.nbytes())});
  }
  const at::Tensor hashes = at::zeros({communicator.size()}, at::kLong);
  auto* values = hashes.mutable_data_ptr<std::int64_t>();
  values[communicator.rank()] = static_cast<std::int64_t>(hash);
  communicator.sum(hashes);
  std::vector<std::int64_t> strayed;
  for (std::int64_t rank = 1; rank < communicator.size(); ++rank)
    if (values[rank] != values[0]) strayed.push_back(rank);
  return strayed;
}

void share_generators(Communicator& communicator, at::Device device, const at::Tensor& states,
                      std::int64_t seed, std::int64_t step) {
  if (communicator.size() == 1) return;
  const at::Tensor own = generators_of(device);
  const bool are_there = of_first(communicator, states.defined() && states.dim() == 2 &&
                                                    states.size(0) == communicator.size() &&
                                                    states.size(1) == own.numel());
  if (are_there) {
    at::Tensor all = communicator.is_first()
                         ? states.contiguous()
                         : at::zeros({communicator.size(), own.numel()}, at::kByte);
    copy_from_first(communicator, all);
    set_generators(device, all.select(0, communicator.rank()));
  } else if (!communicator.is_first()) {
    seed_generators(seed, communicator.rank(), step);
  }
}

}  // namespace dragoman
