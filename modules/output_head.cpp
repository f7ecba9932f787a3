#include "dragoman/modules/output_head.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "dragoman/modules/linear.h"
#include "dragoman/modules/shape.h"

namespace dragoman {

OutputHeadImpl::OutputHeadImpl(const ModelConfig& config, const at::Tensor& tied_weight)
    : scale_(config.output_scale), weight_(tied_weight) {
  const std::int64_t vocabulary = config.target_vocabulary;
  if (!weight_.defined())
    weight_ = register_parameter("weight", at::empty({vocabulary, config.decoder.dim}));
  check_shape(weight_, {vocabulary, config.decoder.dim}, "output weight");
  if (config.output_bias) bias_ = register_parameter("bias", at::empty({vocabulary}));
}

at::Tensor OutputHeadImpl::scaled(const at::Tensor& hidden) const {
  return scale_ == 1.0 ? hidden : hidden * scale_;
}

at::Tensor OutputHeadImpl::logits(const at::Tensor& hidden) {
  const at::Tensor bias = bias_.defined() ? cast_like(bias_, hidden) : at::Tensor();
  return at_least_float(at::linear(scaled(hidden), cast_like(weight_, hidden), bias));  // [..., V]
}

at::Tensor OutputHeadImpl::log_probs(const at::Tensor& hidden) {
  return at::log_softmax(logits(hidden), -1);
}

MostProbable OutputHeadImpl::most_probable(const at::Tensor& hidden) {
  const at::NoGradGuard no_grad;
  constexpr std::int64_t kElements = std::int64_t{1} << 21;
  const std::int64_t rows = std::max<std::int64_t>(64, kElements / vocabulary());
  std::vector<at::Tensor> ids;
  std::vector<at::Tensor> log_probs;
  for (const at::Tensor& part : hidden.split(rows)) {
    const at::Tensor scores = logits(part);  // [n, V]
    const auto [best, id] = scores.max(-1);
    ids.push_back(id);
    log_probs.push_back(best - at::logsumexp(scores, {-1}));
  }
  return {at::cat(ids), at::cat(log_probs)};
}

TokenLoss OutputHeadImpl::loss(const at::Tensor& hidden, const at::Tensor& targets,
                               double label_smoothing, const CopyOdds& copy) {
  check_shape(hidden, {-1, weight_.size(1)}, "hidden");
  check_shape(targets, {hidden.size(0)}, "targets");
  return softmax_loss(scaled(hidden), weight_, bias_, targets, label_smoothing, copy);
}

at::Tensor OutputHeadImpl::divergence(const TwoPasses& hidden, const TwoPasses& row_weights) {
  return softmax_divergence({scaled(hidden.first), scaled(hidden.second)}, weight_, bias_,
                            row_weights);
}

at::Tensor OutputHeadImpl::distillation(const at::Tensor& hidden, const OutputHeadImpl& teacher,
                                        const at::Tensor& teacher_hidden,
                                        const at::Tensor& row_weights, const Softening& softening) {
  TORCH_CHECK(vocabulary() == teacher.vocabulary(), "a teacher of ", teacher.vocabulary(),
              " words for a student of ", vocabulary());
  return softmax_distillation({scaled(hidden), weight_, bias_},
                              {teacher.scaled(teacher_hidden), teacher.weight_, teacher.bias_},
                              row_weights, softening);
}

}  // namespace dragoman
