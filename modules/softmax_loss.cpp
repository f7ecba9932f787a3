#include "dragoman/modules/softmax_loss.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "dragoman/modules/kernels/softmax_loss.h"
#include "dragoman/modules/linear.h"
#include "dragoman/modules/matrix_product.h"

namespace dragoman {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Rows of logits at a time: enough for fast matrix products, few enough to stay near the cache.
constexpr std::int64_t kChunkElements = std::int64_t{1} << 23;
constexpr std::int64_t kMinChunkRows = 256;
/// Rows whose bias gradients are summed by one thread: fixed, so that sums do not depend on
/// threads.
constexpr std::int64_t kBlockRows = 32;

struct Problem {
  at::Tensor hidden;   ///< [N, D]
  at::Tensor weight;   ///< [V, D], in the type of hidden
  at::Tensor bias;     ///< [V] float or undefined
  at::Tensor targets;  ///< [N] int64
  CopyOdds copy;       ///< [N] in float or double; undefined: no copying
  double smoothing;
  bool want_gradient;

  [[nodiscard]] bool copies() const { return copy.target.defined(); }
  /// Rows [first, first + count), without the hidden states.
  [[nodiscard]] Problem rows(std::int64_t first, std::int64_t count) const {
    Problem part = *this;
    part.hidden = at::Tensor();
    part.targets = targets.narrow(0, first, count);
    if (!copies()) return part;
    part.copy = {copy.target.narrow(0, first, count), copy.rival.narrow(0, first, count)};
    return part;
  }
};

struct Sums {
  at::Tensor loss;     ///< [] double
  at::Tensor nll;      ///< [] double
  at::Tensor correct;  ///< [] int64
  at::Tensor copied;   ///< [N] float: the parts of the targets' probabilities that copying has
};

struct Gradients {
  at::Tensor hidden;  ///< [N, D]
  at::Tensor weight;  ///< [V, D] float
  at::Tensor bias;    ///< [V] float; undefined without bias
};

/// What the loss changes by with the copy odds of each row.
at::Tensor odds_gradient(const Problem& problem, const at::Tensor& copied, std::int64_t words) {
  const at::Tensor is_word = problem.targets.lt(words).to(copied.scalar_type());
  return (copied * (is_word * problem.smoothing - 1.0)).to(problem.copy.target.scalar_type());
}

/// `logits` [n, V] without bias -> their gradients, in place. All targets are >= 0.
template <class Number>
Sums cpu_rows(const Problem& problem, const at::Tensor& logits, const at::Tensor& bias_gradient) {
  const std::int64_t rows = logits.size(0);
  const std::int64_t vocabulary = logits.size(1);
  const std::int64_t blocks = (rows + kBlockRows - 1) / kBlockRows;
  std::vector<kernels::SoftmaxLossRow> results(static_cast<std::size_t>(rows));
  const bool sum_bias = problem.want_gradient && bias_gradient.defined();
  const at::Tensor partial =
      sum_bias ? at::zeros({blocks, vocabulary}, bias_gradient.options()) : at::Tensor();
  at::parallel_for(0, blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t first = block * kBlockRows;
      kernels::softmax_loss(kernels::SoftmaxLossRows<Number>{
          .logits = static_cast<Number*>(logits.data_ptr()) + first * vocabulary,
          .bias = problem.bias.defined() ? problem.bias.const_data_ptr<float>() : nullptr,
          .targets = problem.targets.const_data_ptr<std::int64_t>() + first,
          .copy_odds =
              problem.copies() ? problem.copy.target.const_data_ptr<float>() + first : nullptr,
          .rival_odds =
              problem.copies() ? problem.copy.rival.const_data_ptr<float>() + first : nullptr,
          .rows = std::min(kBlockRows, rows - first),
          .vocabulary = vocabulary,
          .smoothing = static_cast<float>(problem.smoothing),
          .want_gradient = problem.want_gradient,
          .bias_gradient =
              sum_bias ? partial.mutable_data_ptr<float>() + block * vocabulary : nullptr,
          .results = results.data() + first});
    }
  });
  if (sum_bias) bias_gradient.add_(partial.sum(0));
  double loss = 0.0;
  double nll = 0.0;
  std::int64_t correct = 0;
  for (const kernels::SoftmaxLossRow& row : results) {
    loss += static_cast<double>(row.loss);
    nll += static_cast<double>(row.nll);
    correct += row.correct ? 1 : 0;
  }
  at::Tensor copied;
  if (problem.copies()) {
    copied = at::empty({rows}, at::kFloat);
    std::ranges::transform(results, copied.mutable_data_ptr<float>(),
                           &kernels::SoftmaxLossRow::copied);
  }
  return {at::scalar_tensor(loss, at::kDouble), at::scalar_tensor(nll, at::kDouble),
          at::scalar_tensor(correct, at::kLong), copied};
}

/// The same with LibTorch's operations: other devices and types. Targets may be negative.
Sums any_rows(const Problem& problem, const at::Tensor& logits, const at::Tensor& bias_gradient) {
  const at::Tensor& targets = problem.targets;
  const bool narrow = logits.scalar_type() != at::kDouble;
  const at::Tensor wide = narrow ? logits.to(at::kFloat) : logits;
  const at::Tensor biased = problem.bias.defined() ? wide + problem.bias : wide;  // [n, V]
  const at::Tensor valid = targets.ge(0);                                         // [n]
  const at::Tensor is_word = targets.lt(biased.size(1));                          // [n]
  const at::Tensor safe = targets.clamp(0, biased.size(1) - 1).unsqueeze(1);      // [n, 1]
  const at::Tensor log_probs = at::log_softmax(biased, -1);
  at::Tensor total = log_probs.gather(1, safe).squeeze(1);  // [n]
  at::Tensor kept = at::ones_like(total);                   // the generated part of the probability
  at::Tensor correct = biased.gather(1, safe).squeeze(1).ge(biased.amax(1));
  if (problem.copies()) {
    const at::Tensor generated =
        total.masked_fill(is_word.logical_not(), -std::numeric_limits<double>::infinity());
    total = at::logaddexp(generated, problem.copy.target);
    kept = (generated - total).exp();
    correct = total.ge(log_probs.amax(1)).logical_and(total.ge(problem.copy.rival));
  }
  const at::Tensor smoothing = is_word.to(total.scalar_type()) * problem.smoothing;
  const at::Tensor loss = ((smoothing - 1.0) * total - smoothing * log_probs.mean(1)).mul(valid);
  if (problem.want_gradient) {
    const at::Tensor share = (1.0 - smoothing) * kept;
    at::Tensor gradient = log_probs.exp()
                              .mul_((share + smoothing).unsqueeze(1))
                              .sub_((smoothing / static_cast<double>(biased.size(1))).unsqueeze(1));
    gradient.scatter_add_(1, safe, share.neg().mul(is_word).unsqueeze(1));
    gradient.mul_(valid.unsqueeze(1));
    if (bias_gradient.defined()) bias_gradient.add_(gradient.sum(0));
    logits.copy_(gradient);
  }
  return {loss.sum(at::kDouble), total.neg().mul(valid).sum(at::kDouble),
          correct.logical_and(valid).sum(),
          problem.copies() ? (1.0 - kept).mul(valid) : at::Tensor()};
}

Sums rows_loss(const Problem& problem, const at::Tensor& logits, const at::Tensor& bias_gradient) {
  if (logits.is_cpu() && logits.scalar_type() == at::kFloat)
    return cpu_rows<float>(problem, logits, bias_gradient);
  if (logits.is_cpu() && logits.scalar_type() == at::kBFloat16)
    return cpu_rows<kernels::BFloat16>(problem, logits, bias_gradient);
  return any_rows(problem, logits, bias_gradient);
}

Gradients empty_gradients(const Problem& problem) {
  const at::ScalarType type =
      problem.hidden.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const at::TensorOptions options = problem.hidden.options().dtype(type);
  return {at::empty_like(problem.hidden), at::zeros(problem.weight.sizes(), options),
          problem.bias.defined() ? at::zeros(problem.bias.sizes(), options) : at::Tensor()};
}

/// Runs over chunks of rows: logits, loss, and what the gradients get from them.
Sums run_chunks(const Problem& problem, Gradients& gradients) {
  const std::int64_t rows = problem.hidden.size(0);
  const std::int64_t vocabulary = problem.weight.size(0);
  const std::int64_t chunk = std::min(rows, std::max(kMinChunkRows, kChunkElements / vocabulary));
  const at::Tensor buffer = at::empty({chunk, vocabulary}, problem.hidden.options());
  const at::TensorOptions on_device = problem.hidden.options();
  Sums sums{at::zeros({}, on_device.dtype(at::kDouble)),
            at::zeros({}, on_device.dtype(at::kDouble)), at::zeros({}, on_device.dtype(at::kLong)),
            at::Tensor()};
  std::vector<at::Tensor> copied;
  const RightMatrix to_logits(problem.weight.t(), rows);
  const std::optional<RightMatrix> to_hidden =
      problem.want_gradient ? std::optional<RightMatrix>(std::in_place, problem.weight, rows)
                            : std::nullopt;
  for (std::int64_t first = 0; first < rows; first += chunk) {
    const std::int64_t count = std::min(chunk, rows - first);
    const at::Tensor hidden = problem.hidden.narrow(0, first, count);  // [n, D]
    const at::Tensor logits = buffer.narrow(0, 0, count);              // [n, V]
    to_logits.multiply(hidden, logits);
    const Sums part = rows_loss(problem.rows(first, count), logits, gradients.bias);
    if (problem.copies()) copied.push_back(part.copied);
    sums.loss.add_(part.loss);
    sums.nll.add_(part.nll);
    sums.correct.add_(part.correct);
    if (!problem.want_gradient) continue;
    to_hidden->multiply(logits, gradients.hidden.narrow(0, first, count));
    if (logits.scalar_type() == gradients.weight.scalar_type())
      RightMatrix(hidden, vocabulary).multiply(logits.t(), gradients.weight, {}, true);
    else
      gradients.weight.add_(at::mm(logits.t(), hidden));
  }
  if (problem.copies()) sums.copied = at::cat(copied);  // [N]
  return sums;
}

/// What the autograd function is called with; absent tensors are absent optionals there.
using Optional = std::optional<at::Tensor>;
Optional optional(const at::Tensor& tensor) {
  return tensor.defined() ? Optional(tensor) : std::nullopt;
}

class SoftmaxLossFunction : public torch::autograd::Function<SoftmaxLossFunction> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& hidden,
                               const at::Tensor& weight, const Optional& bias,
                               const Optional& copy_odds, const Optional& rival_odds,
                               const at::Tensor& targets, double smoothing, bool want_gradient) {
    // Padding costs nothing where finding it does not wait for a device.
    at::Tensor kept;
    if (hidden.is_cpu() && targets.lt(0).any().item<bool>())
      kept = targets.ge(0).nonzero().squeeze(1);
    const auto rows = [&kept](const at::Tensor& x) {
      return kept.defined() ? x.index_select(0, kept) : x.contiguous();
    };
    const auto restored = [&kept](const at::Tensor& like, const at::Tensor& x) {
      return kept.defined() ? at::zeros_like(like).index_copy_(0, kept, x) : x;
    };
    const Problem problem{rows(hidden),
                          cast_like(weight, hidden),
                          bias.value_or(at::Tensor()),
                          rows(targets),
                          copy_odds ? CopyOdds{rows(*copy_odds), rows(*rival_odds)} : CopyOdds{},
                          smoothing,
                          want_gradient};
    Gradients gradients;
    if (want_gradient) gradients = empty_gradients(problem);
    const Sums sums = run_chunks(problem, gradients);
    if (want_gradient) {
      context->saved_data["hidden"] = restored(hidden, gradients.hidden);
      context->saved_data["weight"] = gradients.weight;
      if (bias) context->saved_data["bias"] = gradients.bias;
      if (copy_odds)
        context->saved_data["odds"] =
            restored(*copy_odds, odds_gradient(problem, sums.copied, weight.size(0)));
    }
    const at::Tensor nll = sums.nll.to(at::kFloat);
    const at::Tensor copied =
        copy_odds ? sums.copied.sum(at::kDouble).to(at::kFloat) : at::zeros_like(nll);
    context->mark_non_differentiable({nll, sums.correct, copied});
    return {sums.loss.to(hidden.scalar_type() == at::kDouble ? at::kDouble : at::kFloat), nll,
            sums.correct, copied};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const at::Tensor& factor = gradients[0];  // []
    const bool is_one = factor.is_cpu() && factor.item<double>() == 1.0;
    const auto scaled = [&](const char* name) -> at::Tensor {
      const auto saved = context->saved_data.find(name);
      if (saved == context->saved_data.end()) return {};
      const at::Tensor gradient = saved->second.toTensor();
      return is_one ? gradient : gradient * factor.to(gradient.scalar_type());
    };
    return {scaled("hidden"), scaled("weight"), scaled("bias"), scaled("odds"), {}, {}, {}, {}};
  }
};

}  // namespace

TokenLoss softmax_loss(const at::Tensor& hidden, const at::Tensor& weight, const at::Tensor& bias,
                       const at::Tensor& targets, double label_smoothing, const CopyOdds& copy) {
  const bool want_gradient =
      at::GradMode::is_enabled() && (hidden.requires_grad() || weight.requires_grad());
  const variable_list results =
      SoftmaxLossFunction::apply(hidden, weight, optional(bias), optional(copy.target),
                                 optional(copy.rival), targets, label_smoothing, want_gradient);
  return {results[0], results[1], results[2], copy.target.defined() ? results[3] : at::Tensor()};
}

}  // namespace dragoman
