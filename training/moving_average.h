// An exponential moving average of the weights (Polyak and Juditsky 1992; Adam's paper, Kingma and
// Ba 2015, section 7.2): a smoother model than the last update left, at the cost of one more copy.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "dragoman/training/optimizer.h"

namespace dragoman {

class MovingAverage {
 public:
  /// Begins at the present values of `parameters`; 0 < decay < 1.
  MovingAverage(double decay, std::span<const Optimizer::Parameter> parameters);

  /// To be called after each update that was taken. With t updates so far, this one counted:
  ///   average = d average + (1 - d) weights, d = min(decay, (1 + t) / (10 + t)),
  /// so that the random weights of the beginning are soon forgotten. Waits for no device.
  void add();

  /// Exchanges the weights of the model and the averages.
  void swap();
  /// Begins again at the present weights, as if `updates` had been averaged.
  void restart(std::int64_t updates);

  [[nodiscard]] std::int64_t updates() const { return updates_; }
  /// By the names of the parameters; shares memory.
  [[nodiscard]] std::map<std::string, at::Tensor> weights() const;

 private:
  double decay_;
  std::int64_t updates_ = 0;
  std::vector<std::string> names_;
  std::vector<at::Tensor> weights_;   ///< share memory with the model
  std::vector<at::Tensor> averages_;  ///< as `weights_`
};

/// While it lives the model has the averaged weights.
class AveragedWeights {
 public:
  /// `average` may be null: then nothing happens.
  explicit AveragedWeights(MovingAverage* average) : average_(average) {
    if (average_ != nullptr) average_->swap();
  }
  ~AveragedWeights() {
    if (average_ != nullptr) average_->swap();
  }
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  MovingAverage* average_;
};

}  // namespace dragoman
