#include "dragoman/training/batch_fit.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "dragoman/data/bucketing.h"
#include "dragoman/data/error.h"
#include "dragoman/data/random.h"
#include "dragoman/training/device.h"
#include "dragoman/training/dry_run.h"
#include "dragoman/training/memory.h"

namespace dragoman {
namespace {

constexpr std::int64_t kLeastTokens = 512;
constexpr std::int64_t kMostTokens = 1 << 20;
constexpr double kGain = 1.03;  ///< less is no gain
constexpr int kMostWithoutGain = 2;
constexpr double kTimed = 1.5;  ///< seconds of a trial, then no more updates are begun
constexpr std::size_t kLeastUpdates = 3;
constexpr std::size_t kMostUpdates = 12;
constexpr double kShareOfFree = 0.8;
constexpr double kGigabyte = 1e9;

/// Batches of a budget, from pairs that stand for the corpora.
class TrialBatches {
 public:
  TrialBatches(const std::vector<Example>& examples, const DataConfig& data,
               const ModelConfig& model, const SpecialIds& ids)
      : examples_(examples), data_(data), ids_(ids) {
    const std::int64_t length =
        std::max<std::int64_t>(std::min(data.max_length, model.max_positions - 1), 1);
    const auto longest = std::ranges::max_element(
        examples_, {}, [](const Example& example) { return example.source.size(); });
    longest_ = {.source = tiled(longest->source, length),
                .target = tiled(longest->target, length),
                .copy_ids = tiled(longest->copy_ids, length)};
  }

  /// As many of the longest pairs as the budget has room for.
  [[nodiscard]] Batch longest(std::int64_t tokens) const {
    const std::int64_t length = std::ssize(longest_.source) + 1;
    const std::int64_t count =
        std::clamp<std::int64_t>(tokens / length, 1, data_.max_batch_sentences);
    return collate(std::vector<Example>(static_cast<std::size_t>(count), longest_), ids_);
  }

  /// In random order, over all lengths.
  [[nodiscard]] std::vector<Batch> of_all_lengths(std::int64_t tokens) const {
    std::vector<PairLength> lengths;
    std::int64_t total = 0;
    // A budget beyond the sample is filled with the sample again.
    for (std::size_t at = 0; at < examples_.size() || total < 4 * tokens; ++at) {
      const Example& example = examples_[at % examples_.size()];
      lengths.push_back({static_cast<std::int32_t>(example.source.size()),
                         static_cast<std::int32_t>(example.target.size())});
      total += std::ssize(example.target) + 1;
    }
    Random random(1);
    const BatchPlan plan =
        plan_batches(lengths, {.tokens = tokens, .sentences = data_.max_batch_sentences}, random);
    std::vector<Batch> batches;
    for (std::size_t batch = 0; batch < std::min(plan.batches.size(), kMostUpdates); ++batch) {
      std::vector<Example> members;
      for (const std::uint32_t pair : plan.batch(batch))
        members.push_back(examples_[pair % examples_.size()]);
      batches.push_back(collate(members, ids_));
    }
    return batches;
  }

 private:
  static std::vector<std::int32_t> tiled(const std::vector<std::int32_t>& ids,
                                         std::int64_t length) {
    std::vector<std::int32_t> repeated;
    if (ids.empty()) return repeated;
    for (std::size_t at = 0; std::ssize(repeated) < length; ++at)
      repeated.push_back(ids[at % ids.size()]);
    return repeated;
  }

  const std::vector<Example>& examples_;
  const DataConfig& data_;
  SpecialIds ids_;
  Example longest_;
};

BatchTrial try_tokens(DryRun& dry_run, const TrialBatches& batches, std::int64_t tokens,
                      const TrainingMemory& memory) {
  BatchTrial trial{.tokens = tokens};
  try {
    dry_run.run({batches.longest(tokens)});
    double seconds = 0.0;
    std::int64_t targets = 0;
    std::size_t updates = 0;
    for (const Batch& batch : batches.of_all_lengths(tokens)) {
      if (seconds > kTimed && updates >= kLeastUpdates) break;
      seconds += dry_run.run({batch});
      targets += batch.target_tokens;
      ++updates;
    }
    trial.tokens_per_second = static_cast<double>(targets) / seconds;
  } catch (const c10::OutOfMemoryError&) {
    trial.fits = false;
  }
  trial.memory = memory.peak();
  return trial;
}

}  // namespace

BatchFit choose_batch_tokens(std::int64_t memory_limit,
                             const std::function<BatchTrial(std::int64_t)>& run) {
  BatchFit fit{.memory_limit = memory_limit};
  double best = 0.0;
  int without_gain = 0;
  for (std::int64_t tokens = kLeastTokens; tokens <= kMostTokens && without_gain < kMostWithoutGain;
       tokens *= 2) {
    BatchTrial trial = run(tokens);
    trial.fits = trial.fits && trial.memory <= memory_limit;
    fit.trials.push_back(trial);
    if (!trial.fits) break;
    without_gain = trial.tokens_per_second >= kGain * best ? 0 : without_gain + 1;
    best = std::max(best, trial.tokens_per_second);
  }
  if (!fit.trials.front().fits)
    throw UsageError(fmt::format(
        "data.batch_tokens: auto finds no batch that fits: {} tokens need {:.2f} GB, and training "
        "may take {:.2f} GB. Set training.memory to more, lower data.max_length, or take a smaller "
        "model.",
        kLeastTokens, static_cast<double>(fit.trials.front().memory) / kGigabyte,
        static_cast<double>(memory_limit) / kGigabyte));
  fit.chosen = *std::ranges::find_if(fit.trials, [best](const BatchTrial& trial) {
    return trial.fits && kGain * trial.tokens_per_second >= best;
  });
  return fit;
}

BatchFit fit_batch_tokens(const TrainingConfig& training, const ModelConfig& model,
                          const DataConfig& data, const FitSample& sample) {
  const at::Device device = parse_device(training.device);
  const TrainingMemory memory(device);
  const std::int64_t sharers = device.is_cpu() ? sample.processes : 1;
  const auto limit = static_cast<std::int64_t>(
      training.memory > 0.0 ? training.memory * kGigabyte
                            : kShareOfFree * static_cast<double>(memory.free() / sharers));
  DryRun dry_run(training, Transformer(model), {sample.teacher, sample.ids.target_unknown});
  const TrialBatches batches(sample.examples, data, model, sample.ids);
  return choose_batch_tokens(
      limit, [&](std::int64_t tokens) { return try_tokens(dry_run, batches, tokens, memory); });
}

void log_batch_fit(const BatchFit& fit, Log& log) {
  std::vector<double> tokens, speeds, memory;
  for (const BatchTrial& trial : fit.trials) {
    log.info(fmt::format("data.batch_tokens auto: {} tokens{} memory={:.2f}GB", trial.tokens,
                         trial.fits ? fmt::format(" tokens/s={:.0f}", trial.tokens_per_second)
                                    : std::string(" do not fit"),
                         static_cast<double>(trial.memory) / kGigabyte));
    tokens.push_back(static_cast<double>(trial.tokens));
    speeds.push_back(trial.tokens_per_second);
    memory.push_back(static_cast<double>(trial.memory));
  }
  log.info(fmt::format("data.batch_tokens={} (the memory limit is {:.2f}GB)", fit.chosen.tokens,
                       static_cast<double>(fit.memory_limit) / kGigabyte));
  log.event("batch_tokens", {{"chosen", fit.chosen.tokens},
                             {"tokens", tokens},
                             {"tokens_per_second", speeds},
                             {"memory", memory},
                             {"memory_limit", fit.memory_limit}});
}

}  // namespace dragoman
