#include "dragoman/training/checkpoint.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <ranges>
#include <utility>

#include "dragoman/data/archive.h"
#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/modules/weights.h"
#include "dragoman/training/generators.h"
#include "dragoman/training/model_methods.h"
#include "dragoman/training/retention.h"

namespace dragoman {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSnapshotFile = "training.json";
const std::string kOptimizerPrefix = "optimizer.";
const std::string kWeightsPrefix = "weights.";
const std::string kCpuGenerator = "generator.cpu";
const std::string kDeviceGenerator = "generator.cuda";
const std::string kAllGenerators = "generators";  // of several ranks

std::string joined(const std::vector<std::string>& problems) {
  constexpr std::size_t kShown = 10;
  std::string text;
  for (std::size_t index = 0; index < std::min(problems.size(), kShown); ++index)
    text += (index == 0 ? "" : "; ") + problems[index];
  if (problems.size() > kShown) text += fmt::format("; and {} more", problems.size() - kShown);
  return text;
}

/// A checkpoint that is whole but belongs to another model or optimiser; trying an older one of the
/// same run would not help.
struct Misfit : ModelError {
  using ModelError::ModelError;
};

std::map<std::string, at::Tensor> training_tensors(const TrainedParts& parts,
                                                   const RankStates& states) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, tensor] : states.optimizer)
    tensors[kOptimizerPrefix + name] = tensor.cpu();
  if (parts.average != nullptr)
    for (const auto& [name, tensor] : named_weights(*parts.model))
      tensors[kWeightsPrefix + name] = tensor.cpu();
  tensors[kCpuGenerator] = generator_state(at::kCPU);
  if (!parts.device.is_cpu()) tensors[kDeviceGenerator] = generator_state(parts.device);
  if (states.generators.defined()) tensors[kAllGenerators] = states.generators;
  return tensors;
}

/// What the model file holds.
std::map<std::string, at::Tensor> model_tensors(const TrainedParts& parts) {
  std::map<std::string, at::Tensor> tensors =
      parts.average != nullptr ? parts.average->weights() : named_weights(*parts.model);
  for (auto& [name, tensor] : tensors)
    tensor = tensor.cpu();
  return tensors;
}

/// The tensors whose names begin with `prefix`, without it.
std::map<std::string, at::Tensor> under(const std::string& prefix,
                                        const std::map<std::string, at::Tensor>& tensors) {
  std::map<std::string, at::Tensor> found;
  for (const auto& [name, tensor] : tensors)
    if (name.starts_with(prefix)) found[name.substr(prefix.size())] = tensor;
  return found;
}

const at::Tensor& required(const std::map<std::string, at::Tensor>& tensors,
                           const std::string& name, const std::string& origin) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw ModelError(fmt::format("{}: {} is missing.", origin, name));
  return found->second;
}

}  // namespace

CheckpointStore::CheckpointStore(const TrainingConfig& config, TrainedParts parts, Log& log)
    : config_(config), parts_(std::move(parts)), log_(log), directory_(config.output) {}

void CheckpointStore::open(bool is_resumed) const {
  if (!is_resumed && has_checkpoints(config_.output))
    throw UsageError(
        fmt::format("{}: holds checkpoints of an earlier run. Go on with it by --resume, "
                    "or give another training.output.",
                    config_.output));
  directory_.create();
  for (const auto& folder : {config_.output, directory_.checkpoints()})
    remove_stale_temporaries(folder);
}

void CheckpointStore::save(Snapshot snapshot, const CheckpointRecord& record,
                           const RankStates& states) {
  std::vector<CheckpointRecord> records = records_;
  std::erase_if(records, [&record](const auto& other) { return other.step == record.step; });
  records.push_back(record);
  const std::vector<std::int64_t> kept =
      kept_steps(records, config_.best_metric, config_.keep_last, config_.keep_best);
  std::erase_if(records, [&kept](const auto& other) {
    return !std::ranges::binary_search(kept, other.step);
  });
  snapshot.records = records;
  if (parts_.average != nullptr) snapshot.averaged_updates = parts_.average->updates();
  write_pair(snapshot, record, states);
  records_ = std::move(records);
  publish(snapshot.best_step);
}

void CheckpointStore::publish(std::int64_t best_step) const {
  const std::string index = records_to_json(records_, config_.best_metric);
  if (!fs::exists(directory_.index()) || read_file(directory_.index()) != index)
    write_file_atomically(directory_.index(), index);
  link_best(best_step);
  remove_old();
}

void CheckpointStore::write_pair(const Snapshot& snapshot, const CheckpointRecord& record,
                                 const RankStates& states) const {
  directory_.create();
  const std::string model_path = directory_.model(record.step);
  const std::string state_path = directory_.state(record.step);
  // Never a new model beside an old state of the same step: without its state a model is no pair.
  std::error_code ignored;
  fs::remove(state_path, ignored);
  try {
    Archive model{.tensors = model_tensors(parts_), .files = parts_.bundle};
    model.files["card.json"] = training_card(snapshot.counters, record.scores);
    model.methods = model_methods(model, model_path);
    save_archive(model, model_path);
    Archive state{.tensors = training_tensors(parts_, states),
                  .files = {{kSnapshotFile, to_json_text(snapshot)}}};
    save_archive(state, state_path);
  } catch (const SystemError&) {
    fs::remove(model_path, ignored);  // half a pair only takes room on a full disk
    throw;
  }
}

void CheckpointStore::link_best(std::int64_t step) const {
  if (step == 0 || !fs::exists(directory_.model(step))) return;
  std::error_code error;
  if (fs::equivalent(directory_.model(step), directory_.best(), error)) return;
  const std::string temporary = fmt::format("{}/.best.pt.{}-0.tmp", directory_.path(), ::getpid());
  fs::remove(temporary, error);
  fs::create_hard_link(directory_.model(step), temporary, error);
  if (error) {  // a file system without hard links
    write_file_atomically(directory_.best(), read_file(directory_.model(step)));
    return;
  }
  fs::rename(temporary, directory_.best(), error);
  if (error)
    throw SystemError(
        fmt::format("{}: cannot be replaced: {}.", directory_.best(), error.message()));
}

void CheckpointStore::remove_old() const {
  std::error_code ignored;
  for (const std::int64_t step : directory_.all_steps()) {
    if (std::ranges::find(records_, step, &CheckpointRecord::step) != records_.end()) continue;
    // The state first: a model alone is no pair, so it cannot be resumed from by mistake.
    fs::remove(directory_.state(step), ignored);
    fs::remove(directory_.model(step), ignored);
  }
  remove_stale_temporaries(directory_.checkpoints());
}

std::optional<Snapshot> CheckpointStore::restore() {
  const std::vector<std::int64_t> steps = directory_.complete_steps();
  for (const std::int64_t step : std::views::reverse(steps)) {
    try {
      Snapshot snapshot = load_pair(step);
      records_ = snapshot.records;
      std::erase_if(records_, [this](const auto& record) {
        return !fs::exists(directory_.model(record.step));
      });
      if (step == directory_.all_steps().back()) publish(snapshot.best_step);
      return snapshot;
    } catch (const Misfit&) {
      throw;
    } catch (const ModelError& damage) {
      log_.warn(fmt::format("step {} cannot be resumed from: {}", step, damage.what()));
    }
  }
  if (steps.empty()) return {};
  throw ModelError(
      fmt::format("{}: none of the {} checkpoints can be read (see the warnings). Start "
                  "again in another training.output.",
                  directory_.checkpoints(), steps.size()));
}

void CheckpointStore::load_into_model(const std::map<std::string, at::Tensor>& weights,
                                      const std::string& path) {
  if (const auto problems = load_weights(*parts_.model, weights); !problems.empty())
    throw Misfit(
        fmt::format("{}: does not fit the model of this configuration: {}. Resume with the "
                    "configuration of the run, {}.",
                    path, joined(problems), directory_.config()));
}

Snapshot CheckpointStore::load_pair(std::int64_t step) {
  // Everything is read and checked before anything is changed.
  const std::string state_path = directory_.state(step);
  const Archive model = load_archive(directory_.model(step));
  const Archive state = load_archive(state_path);
  const auto file = state.files.find(kSnapshotFile);
  if (file == state.files.end())
    throw ModelError(fmt::format("{}: {} is missing.", state_path, kSnapshotFile));
  Snapshot snapshot = snapshot_from_json(file->second, state_path);
  const at::Tensor& cpu_generator = required(state.tensors, kCpuGenerator, state_path);

  load_into_model(model.tensors, directory_.model(step));
  if (parts_.average != nullptr) parts_.average->restart(snapshot.averaged_updates);
  const auto trained = under(kWeightsPrefix, state.tensors);
  if (!trained.empty()) load_into_model(trained, state_path);
  if (const auto problems = parts_.optimizer.load_state(under(kOptimizerPrefix, state.tensors));
      !problems.empty())
    throw Misfit(
        fmt::format("{}: does not fit the optimiser: {}. Resume with the training.optimizer "
                    "of the run, {}.",
                    state_path, joined(problems), directory_.config()));
  set_generator_state(at::kCPU, cpu_generator);
  if (!parts_.device.is_cpu()) {
    const auto found = state.tensors.find(kDeviceGenerator);
    if (found != state.tensors.end()) set_generator_state(parts_.device, found->second);
  }
  const auto generators = state.tensors.find(kAllGenerators);
  generators_ = generators != state.tensors.end() ? generators->second : at::Tensor();
  return snapshot;
}

bool CheckpointStore::ranks_among_best(const DevelopmentScores& scores) const {
  std::vector<CheckpointRecord> records = records_;
  constexpr std::int64_t kCandidate = 0;  // no checkpoint has this step
  records.push_back({kCandidate, false, scores});
  const auto ranked = ranked_steps(records, config_.best_metric);
  const auto place = std::ranges::find(ranked, kCandidate) - ranked.begin();
  return place < config_.keep_best && place < static_cast<std::int64_t>(ranked.size());
}

}  // namespace dragoman
