#include "dragoman/training/layer_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace dragoman {
namespace {

void remember(std::deque<double>& history, double value) {
  history.push_back(value);
  if (history.size() > LayerWatch::kHistory) history.pop_front();
}

/// Of the last `count` values; history is not empty.
double median(const std::deque<double>& history, std::size_t count) {
  const std::size_t taken = std::min(count, history.size());
  std::vector<double> values(history.end() - static_cast<std::ptrdiff_t>(taken), history.end());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(taken / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

std::vector<std::string> LayerWatch::add_gradient(double norm) {
  ++updates_;
  if (!std::isfinite(norm)) return {};
  std::vector<std::string> warnings;
  if (wholes_.size() >= kEnough) {
    const double usual = median(wholes_, kHistory);
    if (usual > 0.0 && norm > kExploding * usual && is_due(Problem::whole_exploding, updates_))
      warnings.push_back(
          fmt::format("gradient norm {:.3g} is {:.0f} x its median of the last {} updates: {}",
                      norm, norm / usual, wholes_.size(), advice(Problem::whole_exploding)));
  }
  remember(wholes_, norm);
  return warnings;
}

std::vector<std::string> LayerWatch::add_layers(std::span<const LayerFigures> layers,
                                                double learning_rate) {
  double squares = 0.0;
  for (const LayerFigures& layer : layers) {
    if (!std::isfinite(layer.gradient) || !std::isfinite(layer.update)) return {};
    squares += layer.gradient * layer.gradient;
  }
  ++measurements_;
  remember(measured_, std::sqrt(squares));
  Findings findings;
  for (const LayerFigures& layer : layers)
    judge(layer, median(measured_, kEnough), learning_rate, findings);

  std::vector<std::string> warnings;
  for (auto& [problem, found] : findings) {
    if (!is_due(problem, measurements_)) continue;
    const Finding& worst = *std::ranges::max_element(found, {}, &Finding::badness);
    const std::string others =
        found.size() > 1 ? fmt::format(" (and so in {} more layers)", found.size() - 1) : "";
    warnings.push_back(
        fmt::format("{}: {}{}: {}", worst.layer, worst.text, others, advice(problem)));
  }
  return warnings;
}

void LayerWatch::judge(const LayerFigures& layer, double whole, double learning_rate,
                       Findings& findings) {
  Layer& known = layers_[layer.name];
  const bool is_known = known.gradients.size() >= kEnough;
  const double usual = is_known ? median(known.gradients, kHistory) : 0.0;
  const std::size_t count = known.gradients.size();
  remember(known.gradients, layer.gradient);
  remember(known.ratios, layer.ratio());
  if (!is_known) return;
  const auto find = [&](Problem problem, double badness, std::string text) {
    findings[problem].push_back({layer.name, std::move(text), badness});
  };

  if (usual > 0.0 && layer.gradient > kExploding * usual)
    find(Problem::exploding, layer.gradient / usual,
         fmt::format("gradient norm {:.3g} is {:.0f} x its median of the last {} measurements",
                     layer.gradient, layer.gradient / usual, count));
  // Medians, as a layer may be left out of single updates.
  const double lately = median(known.gradients, kEnough);
  if (whole > 0.0 && lately < kVanishing * whole)
    find(Problem::vanishing, whole / std::max(lately, 1e-300),
         fmt::format("gradient norm {:.3g} is {:.1g} of the whole gradient's ({:.3g})", lately,
                     lately / whole, whole));
  // Vectors begin at zero or are few numbers: a large step of theirs means nothing.
  if (!layer.holds_matrices || layer.weight == 0.0) return;
  const double ratio = median(known.ratios, kEnough);
  if (ratio > kLargeUpdate)
    find(Problem::large_update, ratio,
         fmt::format("an update changes the weights by {:.0f} % of their norm", 100.0 * ratio));
  // A schedule may end at a learning rate of zero, which is as wanted.
  if (ratio < kSmallUpdate && learning_rate > 0.1 * config_.learning_rate && lately > 0.0)
    find(Problem::small_update, 1.0 / std::max(ratio, 1e-300),
         fmt::format("an update changes the weights by {:.1g} of their norm, which float32 hardly "
                     "holds",
                     ratio));
}

bool LayerWatch::is_due(Problem problem, std::int64_t count) {
  const auto told = told_.find(problem);
  if (told != told_.end() && count - told->second < static_cast<std::int64_t>(kHistory))
    return false;
  told_[problem] = count;
  return true;
}

std::string LayerWatch::advice(Problem problem) const {
  const std::string clip =
      config_.clip_norm > 0.0 ? std::string() : ", and set training.clip_norm (0) to about 1";
  switch (problem) {
    case Problem::whole_exploding:
    case Problem::exploding:
      return fmt::format(
          "if this comes again, lower training.learning_rate ({}) or raise training.warmup_steps "
          "({}){}",
          config_.learning_rate, config_.warmup_steps, clip);
    case Problem::vanishing:
      return "it hardly learns: use model.norm pre, fewer layers, or "
             "model.depth_scaled_initialization";
    case Problem::large_update:
      return fmt::format("lower training.learning_rate ({}) or raise training.warmup_steps ({}){}",
                         config_.learning_rate, config_.warmup_steps, clip);
    case Problem::small_update:
      return fmt::format("raise training.learning_rate ({})", config_.learning_rate);
  }
  return {};
}

}  // namespace dragoman
