#include "dragoman/modules/softmax_divergence.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "dragoman/modules/linear.h"

namespace dragoman {
namespace {

/// Elements of one pass's logits that are held at a time.
constexpr std::int64_t kDivergenceElements = std::int64_t{1} << 21;
constexpr double kLogNothing = -1e4;

struct DivergenceGradients {
  TwoPasses hidden;   ///< [N, D]
  TwoPasses rows;     ///< [N]: KL(p || q), KL(q || p)
  at::Tensor weight;  ///< [V, D] float
  at::Tensor bias;    ///< [V] float
};

/// d of w1 KL(p || q) + w2 KL(q || p) by the logits of p; `log_ratio` is log p - log q.
at::Tensor by_logits(const at::Tensor& p, const at::Tensor& q, const at::Tensor& log_ratio,
                     const at::Tensor& kl, const at::Tensor& own_weight,
                     const at::Tensor& other_weight) {
  return p * (log_ratio - kl.unsqueeze(1)) * own_weight.unsqueeze(1) +
         (p - q) * other_weight.unsqueeze(1);
}

/// Rows [first, first + count) into the sums.
void add_rows(const TwoPasses& hidden, const at::Tensor& weight, const at::Tensor& bias,
              const TwoPasses& row_weights, std::int64_t first, std::int64_t count,
              bool want_gradient, DivergenceGradients& sums) {
  const auto log_probs = [&](const at::Tensor& x) {
    const at::Tensor logits = at_least_float(at::linear(x.narrow(0, first, count), weight));
    return at::log_softmax(bias.defined() ? logits + bias : logits, -1);  // [n, V]
  };
  const at::Tensor log_p = log_probs(hidden.first);
  const at::Tensor log_q = log_probs(hidden.second);
  const at::Tensor log_ratio = log_p - log_q;
  const at::Tensor p = log_p.exp();
  const at::Tensor q = log_q.exp();
  const at::Tensor forward = (p * log_ratio).sum(-1);         // [n] KL(p || q)
  const at::Tensor backward = (q * log_ratio).sum(-1).neg();  // [n] KL(q || p)
  sums.rows.first.narrow(0, first, count).copy_(forward);
  sums.rows.second.narrow(0, first, count).copy_(backward);
  if (!want_gradient) return;
  const at::Tensor w1 = row_weights.first.narrow(0, first, count);
  const at::Tensor w2 = row_weights.second.narrow(0, first, count);
  const at::Tensor of_p = by_logits(p, q, log_ratio, forward, w1, w2);
  const at::Tensor of_q = by_logits(q, p, log_ratio.neg(), backward, w2, w1);
  const auto propagate = [&](const at::Tensor& gradient, const at::Tensor& x,
                             const at::Tensor& out) {
    const at::Tensor cast = gradient.to(x.scalar_type());
    out.narrow(0, first, count).copy_(at::mm(cast, weight));
    sums.weight.add_(at::mm(cast.t(), x.narrow(0, first, count)));
  };
  propagate(of_p, hidden.first, sums.hidden.first);
  propagate(of_q, hidden.second, sums.hidden.second);
  if (sums.bias.defined()) sums.bias.add_((of_p + of_q).sum(0));
}

class SoftmaxDivergence : public torch::autograd::Function<SoftmaxDivergence> {
 public:
  using Optional = std::optional<at::Tensor>;

  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& first,
                            const at::Tensor& second, const at::Tensor& weight,
                            const Optional& bias, const at::Tensor& first_weights,
                            const at::Tensor& second_weights, bool want_gradient) {
    const auto type = first.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const TwoPasses hidden{first, second};
    const at::Tensor cast = cast_like(weight, first);
    const at::Tensor biases = bias.value_or(at::Tensor());
    DivergenceGradients sums{{at::empty_like(first), at::empty_like(second)},
                             {at::empty({first.size(0)}, first.options().dtype(type)),
                              at::empty({first.size(0)}, first.options().dtype(type))},
                             at::zeros(weight.sizes(), weight.options().dtype(type)),
                             bias ? at::zeros(biases.sizes(), biases.options()) : at::Tensor()};
    const std::int64_t rows = first.size(0);
    const std::int64_t chunk =
        std::max<std::int64_t>(64, kDivergenceElements / std::max<std::int64_t>(1, weight.size(0)));
    for (std::int64_t begin = 0; begin < rows; begin += chunk)
      add_rows(hidden, cast, biases, {first_weights, second_weights}, begin,
               std::min(chunk, rows - begin), want_gradient, sums);
    if (want_gradient)
      context->save_for_backward({sums.hidden.first, sums.hidden.second, sums.weight, sums.bias,
                                  sums.rows.first, sums.rows.second});
    return (sums.rows.first * first_weights + sums.rows.second * second_weights).sum();
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto scaled = [&](std::size_t index) {
      const at::Tensor& gradient = saved[index];
      return gradient.defined() ? gradient * gradients[0].to(gradient.scalar_type()) : at::Tensor();
    };
    return {scaled(0), scaled(1), scaled(2), scaled(3), scaled(4), scaled(5), {}};
  }
};

}  // namespace

at::Tensor softmax_divergence(const TwoPasses& hidden, const at::Tensor& weight,
                              const at::Tensor& bias, const TwoPasses& row_weights) {
  const bool want_gradient =
      at::GradMode::is_enabled() && (hidden.first.requires_grad() || weight.requires_grad());
  return SoftmaxDivergence::apply(hidden.first, hidden.second, weight,
                                  bias.defined() ? std::optional(bias) : std::nullopt,
                                  row_weights.first, row_weights.second, want_gradient);
}

TwoPasses divergences(const at::Tensor& log_p, const at::Tensor& log_q) {
  // Where a probability is 0 its logarithm is -inf or nearly so.
  const at::Tensor log_ratio = log_p.clamp_min(kLogNothing) - log_q.clamp_min(kLogNothing);
  return {(log_p.exp() * log_ratio).sum(-1), (log_q.exp() * log_ratio).sum(-1).neg()};
}

}  // namespace dragoman
