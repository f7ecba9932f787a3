#include "dragoman/training/average.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "dragoman/data/archive.h"
#include "dragoman/data/error.h"
#include "dragoman/data/file.h"
#include "dragoman/training/model_methods.h"
#include "dragoman/training/retention.h"
#include "dragoman/training/run_directory.h"
#include "dragoman/training/snapshot.h"

namespace dragoman {
namespace {

using Tensors = std::map<std::string, at::Tensor>;

void check_same(const Tensors& first, const Tensors& other, const std::string& first_path,
                const std::string& path) {
  const auto fail = [&](const std::string& what) {
    throw ModelError(fmt::format("{}: {}. Average checkpoints of one run.", path, what));
  };
  for (const auto& [name, tensor] : first) {
    const auto found = other.find(name);
    if (found == other.end()) fail(fmt::format("has no {}, which {} has", name, first_path));
    if (found->second.sizes() != tensor.sizes())
      fail(fmt::format("{} has shape {}, in {} it has {}", name, c10::str(found->second.sizes()),
                       first_path, c10::str(tensor.sizes())));
    if (found->second.scalar_type() != tensor.scalar_type())
      fail(fmt::format("{} has type {}, in {} it has {}", name,
                       c10::toString(found->second.scalar_type()), first_path,
                       c10::toString(tensor.scalar_type())));
  }
  for (const auto& [name, tensor] : other)
    if (!first.contains(name)) fail(fmt::format("has {}, which {} has not", name, first_path));
}

RecordList read_records(const std::string& run) {
  const RunDirectory directory(run);
  if (!std::filesystem::exists(directory.index()))
    throw DataError(
        fmt::format("{}: no such file. Give the output folder of a training run, or name "
                    "the checkpoints one by one.",
                    directory.index()));
  RecordList list = records_from_json(read_file(directory.index()), directory.index());
  std::erase_if(list.records, [&directory](const CheckpointRecord& record) {
    return !std::filesystem::exists(directory.model(record.step));
  });
  return list;
}

std::vector<std::string> model_paths(const std::string& run, std::vector<std::int64_t> steps) {
  std::ranges::sort(steps);
  const RunDirectory directory(run);
  std::vector<std::string> paths;
  for (const std::int64_t step : steps)
    paths.push_back(directory.model(step));
  return paths;
}

}  // namespace

void average_checkpoints(const std::vector<std::string>& paths, const std::string& output) {
  if (paths.empty()) throw UsageError("average: no checkpoints are given. Name at least one.");
  Archive result;
  Tensors sums;
  Tensors first;  // shapes and types; the values of integer tensors
  for (const std::string& path : paths) {
    Archive archive = load_archive(path);
    if (first.empty()) {
      first = archive.tensors;
    } else {
      check_same(first, archive.tensors, paths.front(), path);
    }
    for (const auto& [name, tensor] : archive.tensors) {
      if (!tensor.is_floating_point()) continue;
      auto [place, is_new] = sums.try_emplace(name);
      if (is_new) {
        place->second = tensor.to(at::kDouble, /*non_blocking=*/false, /*copy=*/true);
      } else {
        place->second.add_(tensor);
      }
    }
    result.files = std::move(archive.files);
  }
  for (const auto& [name, tensor] : first) {
    const auto sum = sums.find(name);
    result.tensors[name] =
        sum == sums.end()
            ? tensor
            : sum->second.div_(static_cast<double>(paths.size())).to(tensor.scalar_type());
  }
  std::vector<std::string> sources;
  for (const std::string& path : paths)
    sources.push_back(std::filesystem::path(path).filename().string());
  result.files["card.json"] = averaged_card(result.files["card.json"], sources);
  result.methods = model_methods(result, output);
  save_archive(result, output);
}

std::vector<std::string> last_checkpoints(const std::string& run, std::int64_t count) {
  const RecordList list = read_records(run);
  std::vector<std::int64_t> steps = last_steps(list.records, count);
  if (steps.empty() && !list.records.empty()) steps = {list.records.back().step};
  if (steps.empty())
    throw DataError(
        fmt::format("{}: holds no checkpoint. Train for training.save_every updates.", run));
  return model_paths(run, std::move(steps));
}

std::vector<std::string> best_checkpoints(const std::string& run, std::int64_t count) {
  const RecordList list = read_records(run);
  std::vector<std::int64_t> steps = ranked_steps(list.records, list.best_metric);
  if (steps.empty())
    throw DataError(
        fmt::format("{}: no checkpoint was validated. Average the last ones instead.", run));
  steps.resize(std::min(steps.size(), static_cast<std::size_t>(std::max<std::int64_t>(count, 0))));
  return model_paths(run, std::move(steps));
}

std::string average_run(const TrainingConfig& config, bool was_validated, Log& log) {
  if (config.average_last == 0 && config.average_best == 0) return {};
  const bool by_score = config.average_best > 0 && was_validated;
  const std::int64_t count = config.average_last > 0 ? config.average_last : config.average_best;
  const std::vector<std::string> paths =
      by_score ? best_checkpoints(config.output, count) : last_checkpoints(config.output, count);
  std::string output = RunDirectory(config.output).averaged();
  average_checkpoints(paths, output);
  log.info(fmt::format("averaged {} {} checkpoints into {}", by_score ? "the best" : "the last",
                       paths.size(), output));
  return output;
}

}  // namespace dragoman
