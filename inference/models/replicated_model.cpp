#include "dragoman/inference/models/replicated_model.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>

#include "dragoman/inference/service/worker_pool.h"

namespace dragoman {
namespace {

struct ReplicaState final : StepState {
  ReplicaState(const StepModel& owner, std::unique_ptr<StepState> begun)
      : replica(owner), own(std::move(begun)) {}
  const StepModel& replica;
  std::unique_ptr<StepState> own;
};

ReplicaState& of_replica(StepState& state) {
  return static_cast<ReplicaState&>(state);
}

}  // namespace

ReplicatedModel::ReplicatedModel(std::vector<std::unique_ptr<StepModel>> replicas)
    : replicas_(std::move(replicas)) {
  TORCH_CHECK(!replicas_.empty(), "a model needs a replica");
}

const StepModel& ReplicatedModel::mine() const {
  const auto worker = static_cast<std::size_t>(std::max<std::int64_t>(WorkerPool::worker(), 0));
  return *replicas_[worker % replicas_.size()];
}

std::unique_ptr<StepState> ReplicatedModel::start(const SourceBatch& source) const {
  const StepModel& replica = mine();
  return std::make_unique<ReplicaState>(replica, replica.start(source));
}

at::Tensor ReplicatedModel::step(const at::Tensor& next, StepState& state) const {
  return of_replica(state).replica.step(next, *of_replica(state).own);
}

void ReplicatedModel::reorder(StepState& state, const at::Tensor& rows,
                              const at::Tensor& sentences) const {
  of_replica(state).replica.reorder(*of_replica(state).own, rows, sentences);
}

Candidates ReplicatedModel::step_candidates(const at::Tensor& next, StepState& state,
                                            const CandidateRequest& request) const {
  return of_replica(state).replica.step_candidates(next, *of_replica(state).own, request);
}

at::Tensor ReplicatedModel::attention(const StepState& state) const {
  const auto& own = static_cast<const ReplicaState&>(state);
  return own.replica.attention(*own.own);
}

TokenScores ReplicatedModel::score(const SourceBatch& source, const at::Tensor& input,
                                   const at::Tensor& output) const {
  return mine().score(source, input, output);
}

at::Device ReplicatedModel::device() const {
  return mine().device();
}

std::int64_t ReplicatedModel::vocabulary_size() const {
  return replicas_.front()->vocabulary_size();
}

bool ReplicatedModel::copies() const {
  return replicas_.front()->copies();
}

std::int64_t ReplicatedModel::attention_layers() const {
  return replicas_.front()->attention_layers();
}

std::int64_t ReplicatedModel::max_positions() const {
  return replicas_.front()->max_positions();
}

}  // namespace dragoman
