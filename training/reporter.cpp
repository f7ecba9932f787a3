#include "dragoman/training/reporter.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "dragoman/training/device.h"
#include "dragoman/training/memory.h"

namespace dragoman {
namespace {

/// Four digits are enough for a norm, and keep the log short.
double rounded(double value) {
  if (value == 0.0 || !std::isfinite(value)) return value;
  const double scale = std::pow(10.0, 3.0 - std::floor(std::log10(std::abs(value))));
  return std::round(value * scale) / scale;
}

double megabytes_per_update(const ProgressReport& report) {
  return report.bytes_sent / 1e6 / static_cast<double>(std::max<std::int64_t>(report.updates, 1));
}

}  // namespace

Reporter::Reporter(const TrainingConfig& config, Log& log, std::int64_t resumed_step)
    : config_(config), device_(parse_device(config.device)), log_(log) {
  if (config.tensorboard) events_.emplace(config.output, resumed_step == 0 ? 0 : resumed_step + 1);
}

void Reporter::progress(const Counters& counters, const ProgressReport& report,
                        double learning_rate, double seconds_left) {
  const std::string skipped =
      report.skipped > 0 ? fmt::format(" skipped={}", report.skipped) : std::string();
  const std::string copied =
      report.copied > 0.0 ? fmt::format(" copied={:.3f}", report.copied) : std::string();
  const std::string communication =
      report.bytes_sent > 0.0
          ? fmt::format(" comm={:.1f}% sent={:.3g}MB",
                        100.0 * report.communication / report.seconds, megabytes_per_update(report))
          : std::string();
  log_.info(
      fmt::format("epoch={} step={} loss={:.4f} ppl={:.2f} acc={:.4f}{} lr={:.3e} norm={:.3f} "
                  "tokens/s={:.0f}{}{} eta={}",
                  counters.epochs + 1, counters.step, report.loss, report.perplexity,
                  report.accuracy, copied, learning_rate, report.gradient_norm,
                  report.tokens_per_second, communication, skipped, format_duration(seconds_left)));
  log_.event("train", {{"epoch", counters.epochs + 1},
                       {"step", counters.step},
                       {"loss", report.loss},
                       {"nll", report.nll},
                       {"ppl", report.perplexity},
                       {"acc", report.accuracy},
                       {"copied", report.copied},
                       {"lr", learning_rate},
                       {"norm", report.gradient_norm},
                       {"tokens_per_second", report.tokens_per_second},
                       {"target_tokens", counters.target_tokens},
                       {"communication_seconds", report.communication},
                       {"megabytes_sent", megabytes_per_update(report)},
                       {"skipped", counters.skipped},
                       {"memory", resident_memory()},
                       {"device_memory", device_memory(device_)},
                       {"seconds", counters.seconds},
                       {"eta", seconds_left}});
  scalars(counters.step, {{"train/loss", report.loss},
                          {"train/perplexity", report.perplexity},
                          {"train/accuracy", report.accuracy},
                          {"train/copied", report.copied},
                          {"train/learning_rate", learning_rate},
                          {"train/gradient_norm", report.gradient_norm},
                          {"train/tokens_per_second", report.tokens_per_second}});
}

void Reporter::data(const FilterCounts& counts) {
  if (counts.read < std::max<std::int64_t>(2 * pairs_told_, 1)) return;
  pairs_told_ = counts.read;
  LogFields fields;
  std::string line = "data";
  for (const auto& [name, count] : {std::pair{"read", counts.read},
                                    {"kept", counts.kept},
                                    {"empty", counts.empty},
                                    {"too_short", counts.too_short},
                                    {"too_long", counts.too_long},
                                    {"ratio", counts.ratio},
                                    {"source_cut", counts.cut},
                                    {"repaired", counts.invalid_text}}) {
    fields.emplace_back(name, count);
    if (count > 0) line += fmt::format(" {}={}", name, count);
  }
  log_.info(line);
  log_.event("data", fields);
}

void Reporter::status(const Counters& counters, const ProgressReport& report, double seconds_left) {
  constexpr std::size_t kWidth = 20;
  const double share = completed_share(config_, counters);
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(kWidth));
  const std::string bar = std::string(filled, '=') + std::string(kWidth - filled, ' ');
  log_.status(fmt::format("[{}] {:3.0f}% step {} loss {:.3f} {:.0f} tokens/s, {} left", bar,
                          100.0 * share, counters.step, report.loss, report.tokens_per_second,
                          format_duration(seconds_left)));
}

void Reporter::validation(const Counters& counters, const DevelopmentScores& scores, bool is_best,
                          double seconds, const std::vector<SampleTranslation>& samples) {
  LogFields fields{{"epoch", counters.epochs + 1},
                   {"step", counters.step},
                   {"loss", scores.loss},
                   {"ppl", scores.perplexity},
                   {"acc", scores.accuracy}};
  std::vector<std::pair<std::string, double>> values{{"dev/loss", scores.loss},
                                                     {"dev/perplexity", scores.perplexity},
                                                     {"dev/accuracy", scores.accuracy}};
  std::string line = fmt::format("validation step={} loss={:.4f} ppl={:.2f} acc={:.4f}",
                                 counters.step, scores.loss, scores.perplexity, scores.accuracy);
  if (scores.bleu && scores.chrf) {
    line += fmt::format(" bleu={:.2f} chrf={:.2f}", *scores.bleu, *scores.chrf);
    fields.emplace_back("bleu", *scores.bleu);
    fields.emplace_back("chrf", *scores.chrf);
    values.emplace_back("dev/bleu", *scores.bleu);
    values.emplace_back("dev/chrf", *scores.chrf);
  }
  for (const Metric metric : {Metric::rouge1, Metric::rouge2, Metric::rougeL}) {
    const auto value = score(scores, metric);
    if (!value) continue;
    const std::string label(name(metric));
    line += fmt::format(" {}={:.2f}", label, *value);
    fields.emplace_back(label, *value);
    values.emplace_back("dev/" + label, *value);
  }
  line += fmt::format(" time={}{}", format_duration(seconds), is_best ? " best" : "");
  fields.emplace_back("best", is_best);
  fields.emplace_back("seconds", seconds);
  log_.info(line);
  for (const SampleTranslation& sample : samples)
    log_.info(fmt::format("  {} | {} | {}", sample.source, sample.reference, sample.translation));
  log_.event("validation", fields);
  for (const SampleTranslation& sample : samples)
    log_.event("sample", {{"step", counters.step},
                          {"line", sample.line},
                          {"source", sample.source},
                          {"reference", sample.reference},
                          {"translation", sample.translation}});
  scalars(counters.step, values);
}

void Reporter::norms(const Counters& counters, const std::vector<LayerFigures>& layers) {
  std::vector<std::string> names;
  std::vector<double> gradients, weights, updates;
  std::vector<std::pair<std::string, double>> values;
  for (const LayerFigures& layer : layers) {
    names.push_back(layer.name);
    gradients.push_back(rounded(layer.gradient));
    weights.push_back(rounded(layer.weight));
    updates.push_back(rounded(layer.update));
    values.emplace_back("gradient_norm/" + layer.name, layer.gradient);
    values.emplace_back("weight_norm/" + layer.name, layer.weight);
    values.emplace_back("update_ratio/" + layer.name, layer.ratio());
  }
  log_.event("norms", {{"step", counters.step},
                       {"layers", names},
                       {"gradient", gradients},
                       {"weight", weights},
                       {"update", updates}});
  scalars(counters.step, values);
}

void Reporter::warn(const Counters& counters, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings)
    log_.warn(fmt::format("step={} {}", counters.step, warning));
}

void Reporter::skipped(const Counters& counters, const std::string& problem) {
  log_.warn(fmt::format("step={} skipped: {}", counters.step, problem));
}

void Reporter::fitted(const Counters& counters, const TrainingConfig& config,
                      const TimeBudget& budget) {
  config_ = config;
  const std::int64_t moved = std::abs(config.max_steps - max_steps_told_);
  if (20 * moved <= max_steps_told_) return;
  log_.info(
      fmt::format("time budget {}: max_steps={} warmup_steps={} validate_every={} "
                  "save_every={} at {:.3g} s an update, {} gone",
                  format_duration(budget.seconds()), config.max_steps, config.warmup_steps,
                  config.validate_every, config.save_every, budget.seconds_per_update(),
                  format_duration(counters.seconds)));
  log_.event("fitted", {{"step", counters.step},
                        {"max_steps", config.max_steps},
                        {"warmup_steps", config.warmup_steps},
                        {"validate_every", config.validate_every},
                        {"save_every", config.save_every},
                        {"seconds_per_update", budget.seconds_per_update()},
                        {"seconds", counters.seconds}});
  max_steps_told_ = config.max_steps;
}

void Reporter::started(const Counters& counters, bool is_resumed, std::int64_t weights,
                       bool is_bf16) {
  const std::string precision = is_bf16 ? "bf16" : "fp32";
  log_.info(fmt::format("{} step={} parameters={} device={} precision={} threads={} output={}",
                        is_resumed ? "resumed" : "started", counters.step, weights, device_.str(),
                        precision, at::get_num_threads(), config_.output));
  log_.event(is_resumed ? "resumed" : "started",
             {{"step", counters.step},
              {"parameters", weights},
              {"device", device_.str()},
              {"precision", precision},
              {"threads", std::int64_t{at::get_num_threads()}}});
  if (is_bf16 && !has_native_bf16(device_))
    log_.warn(
        fmt::format("training.precision: this {} has no bfloat16 arithmetic and emulates "
                    "it slowly; fp32 is faster here",
                    device_.is_cpu() ? "processor" : "GPU"));
}

void Reporter::sharded(std::int64_t kept, int ranks) {
  log_.info(fmt::format("optimizer state sharded over ranks={} numbers_kept={}", ranks, kept));
  log_.event("sharded", {{"ranks", std::int64_t{ranks}}, {"numbers_kept", kept}});
}

void Reporter::saved(const Counters& counters, const std::string& model_path, double seconds) {
  log_.info(fmt::format("saved {} time={:.2f}s", model_path, seconds));
  log_.event("saved", {{"step", counters.step}, {"path", model_path}, {"seconds", seconds}});
}

void Reporter::strayed(const Counters& counters, const std::vector<std::int64_t>& ranks) {
  log_.warn(
      fmt::format("step={} the weights of ranks {} are not those of rank 0, which they get now: do "
                  "the ranks run on processors of one kind, with as many threads?",
                  counters.step, fmt::join(ranks, ", ")));
}

void Reporter::finished(const Counters& counters, StopReason reason) {
  log_.event("finished", {{"reason", std::string(name(reason))},
                          {"step", counters.step},
                          {"epochs", counters.epochs},
                          {"seconds", counters.seconds}});
  log_.info(fmt::format("finished reason={} step={} epochs={} time={}", name(reason), counters.step,
                        counters.epochs, format_duration(counters.seconds)));
  if (reason == StopReason::interrupted)
    log_.info(
        fmt::format("interrupted: everything is saved in {}; go on with --resume", config_.output));
}

void Reporter::scalars(std::int64_t step,
                       const std::vector<std::pair<std::string, double>>& values) {
  if (!events_) return;
  if (events_->scalars(step, values)) {
    events_failed_ = false;
  } else if (!events_failed_) {
    events_failed_ = true;
    log_.warn(events_->path() + ": scalars are lost: the disk does not take them");
  }
}

}  // namespace dragoman
