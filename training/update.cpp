#include "dragoman/training/update.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ranges>
#include <utility>

#include "dragoman/data/error.h"

namespace dragoman {
namespace {

bool is_finite(const at::Tensor& tensor) {
  return at::isfinite(tensor).all().item<bool>();
}

}  // namespace

Update::Update(const TrainingConfig& config, Transformer model, Optimizer& optimizer,
               at::Device device, const LossInputs& inputs, Communicator* communicator)
    : config_(config),
      loss_(loss_options(config, inputs)),
      model_(std::move(model)),
      optimizer_(optimizer),
      device_(device),
      communicator_(communicator) {
  model_->set_checkpointing(config.activation_checkpointing);
  if (communicator != nullptr && communicator->size() > 1)
    sync_.emplace(optimizer.parameters(), *communicator, config.compress_gradients);
}

UpdateResult Update::run(std::span<const Batch> batches, double learning_rate, LayerMeter* meter,
                         double sampling) {
  UpdateResult result = counted(batches);
  const double tokens = static_cast<double>(std::max<std::int64_t>(result.target_tokens, 1));

  loss_.sampling = sampling;
  optimizer_.zero_grad();
  // loss, nll, correct, copied
  at::Tensor sums = at::zeros({4}, at::device(device_).dtype(at::kDouble));
  for (const Batch& batch : batches) {
    const TokenLoss loss = batch_loss(model_, batch.to(device_), loss_);
    if (sync_ && &batch == &batches.back()) sync_->arm();
    (loss.loss / tokens).backward();
    sums += at::stack(
        {loss.loss.detach().to(at::kDouble), loss.nll.detach().to(at::kDouble),
         loss.correct.to(at::kDouble),
         (loss.copied.defined() ? loss.copied : at::zeros_like(loss.nll)).to(at::kDouble)});
  }
  if (sync_) sums = sync_->finish(sums).to(device_);
  const at::Tensor norm = gradient_norm();
  const at::Tensor not_finite = (norm + sums[0]).isfinite().logical_not().to(at::kFloat);
  at::Tensor scale;
  if (config_.clip_norm > 0.0) scale = at::clamp_min(norm / config_.clip_norm, 1.0);
  if (meter != nullptr) meter->before(optimizer_.parameters());
  optimizer_.step(learning_rate, scale, not_finite);
  if (meter != nullptr) meter->after(optimizer_.parameters());

  const at::Tensor host = at::cat({sums, norm.to(at::kDouble).unsqueeze(0)}).cpu();
  const double* values = host.const_data_ptr<double>();
  result.loss = values[0] / tokens;
  result.nll = values[1] / tokens;
  result.correct = std::isfinite(values[2]) ? static_cast<std::int64_t>(values[2]) : 0;
  result.copied = values[3];
  result.gradient_norm = values[4];
  if (!std::isfinite(values[0]) || !std::isfinite(values[4])) result.problem = find_problem(result);
  count_problem(result.problem);
  return result;
}

UpdateResult Update::counted(std::span<const Batch> batches) const {
  UpdateResult result;
  for (const Batch& batch : batches) {
    result.sentences += batch.sentences();
    result.source_tokens += batch.source_tokens;
    result.target_tokens += batch.target_tokens;
  }
  if (!sync_) return result;
  const at::Tensor counts =
      at::tensor({result.sentences, result.source_tokens, result.target_tokens}, at::kLong);
  communicator_->sum(counts);
  const auto* values = counts.const_data_ptr<std::int64_t>();
  result.sentences = values[0];
  result.source_tokens = values[1];
  result.target_tokens = values[2];
  return result;
}

at::Tensor Update::gradient_norm() const {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const Optimizer::Parameter& parameter : optimizer_.parameters())
    if (parameter.value.grad().defined()) gradients.push_back(parameter.value.grad());
  TORCH_CHECK(!gradients.empty(), "no parameter has a gradient");
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2)));
}

std::string Update::find_problem(const UpdateResult& result) const {
  const at::NoGradGuard no_grad;
  if (!std::isfinite(result.loss)) {
    for (const Optimizer::Parameter& parameter : optimizer_.parameters())
      if (!is_finite(parameter.value))
        return fmt::format("the loss is not finite ({}), for {} holds values that are not",
                           result.loss, parameter.name);
    return fmt::format("the loss is not finite ({}), although all weights are", result.loss);
  }
  // Backward runs from the head to the embeddings, as the parameters are registered the other way.
  std::string first;
  std::int64_t count = 0;
  for (const Optimizer::Parameter& parameter : std::views::reverse(optimizer_.parameters())) {
    if (!parameter.value.grad().defined() || is_finite(parameter.value.grad())) continue;
    if (first.empty()) first = parameter.name;
    ++count;
  }
  if (first.empty())
    return "the gradient's norm overflows float32, although each gradient is finite";
  return fmt::format(
      "the gradient of {} is not finite{}", first,
      count == 1 ? std::string() : fmt::format(", nor are {} more that depend on it", count - 1));
}

void Update::count_problem(const std::string& problem) {
  if (problem.empty()) {
    bad_steps_ = 0;
    return;
  }
  if (++bad_steps_ < config_.max_bad_steps) return;
  throw Error(fmt::format("training: {} updates in a row were not finite; the last: {}. Lower "
                          "training.learning_rate ({}), raise training.warmup_steps ({}), set "
                          "training.clip_norm ({}) to about 1, or use training.precision fp32.",
                          bad_steps_, problem, config_.learning_rate, config_.warmup_steps,
                          config_.clip_norm),
              1);
}

}  // namespace dragoman
