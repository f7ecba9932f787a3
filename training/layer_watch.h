// Looks at the norms of a run for what ends in a useless model: gradients and updates that explode
// or vanish. Each finding says what to do.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "dragoman/training/layer_meter.h"
#include "dragoman/training/training_config.h"

namespace dragoman {

class LayerWatch {
 public:
  /// What is remembered, and how much of it there must be before anything is judged.
  static constexpr std::size_t kHistory = 100;
  static constexpr std::size_t kEnough = 10;
  /// A gradient norm beyond so many times the median of its history explodes.
  static constexpr double kExploding = 20.0;
  /// A layer's gradient below this part of the whole gradient, or a gradient below this part of its
  /// median, has vanished.
  static constexpr double kVanishing = 1e-4;
  /// An update beyond this part of its weights is too large, at the median of kEnough.
  static constexpr double kLargeUpdate = 0.05;
  /// An update below this part of its weights is lost in the rounding of float32.
  static constexpr double kSmallUpdate = 1e-7;

  explicit LayerWatch(const TrainingConfig& config) : config_(config) {}

  /// The whole gradient's norm, of every update. Returns warnings, mostly none; the same finding is
  /// told again after kHistory calls at the earliest. Norms that are not finite are passed over.
  [[nodiscard]] std::vector<std::string> add_gradient(double norm);
  /// The layers of one measurement, and the learning rate of its update.
  [[nodiscard]] std::vector<std::string> add_layers(std::span<const LayerFigures> layers,
                                                    double learning_rate);

 private:
  using History = std::deque<double>;
  struct Layer {
    History gradients, ratios;
  };
  struct Finding {
    std::string layer;
    std::string text;
    double badness = 0.0;
  };
  enum class Problem { whole_exploding, exploding, vanishing, large_update, small_update };
  using Findings = std::map<Problem, std::vector<Finding>>;

  void judge(const LayerFigures& layer, double whole, double learning_rate, Findings& findings);
  [[nodiscard]] bool is_due(Problem problem, std::int64_t count);
  [[nodiscard]] std::string advice(Problem problem) const;

  const TrainingConfig config_;
  History wholes_;    ///< of every update
  History measured_;  ///< whole gradients of the measured updates
  std::map<std::string, Layer> layers_;
  std::map<Problem, std::int64_t> told_;  ///< at which update or measurement
  std::int64_t updates_ = 0;
  std::int64_t measurements_ = 0;
};

}  // namespace dragoman
