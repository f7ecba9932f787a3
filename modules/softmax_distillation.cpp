#include "dragoman/modules/softmax_distillation.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

#include "dragoman/modules/linear.h"

namespace dragoman {
namespace {

/// Elements of one model's logits that are held at a time.
constexpr std::int64_t kDistilledElements = std::int64_t{1} << 21;

struct DistillationGradients {
  at::Tensor hidden;  ///< [N, D]
  at::Tensor weight;  ///< [V, D] float
  at::Tensor bias;    ///< [V] float; undefined without bias
};

/// Rows [first, first + count) of what the softmax is taken of: [n, V], float.
at::Tensor softened_logits(const SoftmaxOutput& output, std::int64_t first, std::int64_t count,
                           double temperature) {
  at::Tensor logits =
      at_least_float(at::linear(output.hidden.narrow(0, first, count), output.weight));
  if (output.bias.defined()) logits = logits + output.bias;
  return temperature == 1.0 ? logits : logits / temperature;
}

/// The teacher's words: all, or the most probable ones.
struct TeacherWords {
  at::Tensor log_probs;  ///< [n, K], summing to 1
  at::Tensor ids;        ///< [n, K]; undefined: K is V
};

TeacherWords teacher_words(const at::Tensor& logits, std::int64_t top_k) {
  if (top_k == 0 || top_k >= logits.size(1)) return {at::log_softmax(logits, -1), {}};
  const auto [best, ids] = at::topk(logits, top_k, -1, /*largest=*/true, /*sorted=*/false);
  return {at::log_softmax(best, -1), ids};
}

class SoftmaxDistillation : public torch::autograd::Function<SoftmaxDistillation> {
 public:
  using Optional = std::optional<at::Tensor>;

  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& hidden,
                            const at::Tensor& weight, const Optional& bias,
                            const SoftmaxOutput& teacher, const at::Tensor& row_weights,
                            const Softening& softening, bool want_gradient) {
    const auto type = hidden.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const SoftmaxOutput student{hidden, cast_like(weight, hidden), bias.value_or(at::Tensor())};
    const SoftmaxOutput master{teacher.hidden, cast_like(teacher.weight, teacher.hidden),
                               teacher.bias};
    DistillationGradients gradients;
    if (want_gradient)
      gradients = {at::empty_like(hidden), at::zeros(weight.sizes(), weight.options().dtype(type)),
                   bias ? at::zeros_like(*bias) : at::Tensor()};
    const std::int64_t rows = hidden.size(0);
    const std::int64_t chunk =
        std::max<std::int64_t>(64, kDistilledElements / std::max<std::int64_t>(1, weight.size(0)));
    at::Tensor sum = at::zeros({}, hidden.options().dtype(type));
    for (std::int64_t first = 0; first < rows; first += chunk) {
      const std::int64_t count = std::min(chunk, rows - first);
      const at::Tensor weights = row_weights.narrow(0, first, count).to(type);  // [n]
      const TeacherWords words = teacher_words(
          softened_logits(master, first, count, softening.temperature), softening.top_k);
      const at::Tensor log_p =
          at::log_softmax(softened_logits(student, first, count, softening.temperature), -1);
      const at::Tensor q = words.log_probs.exp();
      const at::Tensor log_p_there = words.ids.defined() ? log_p.gather(1, words.ids) : log_p;
      // Where q is 0, so is its part, whatever the logarithm says.
      const at::Tensor parts = at::where(q.gt(0), q * (words.log_probs - log_p_there), 0.0);
      sum = sum + (parts.sum(-1) * weights).sum();
      if (!want_gradient) continue;
      at::Tensor by_logits = log_p.exp();  // [n, V]: p - q
      if (words.ids.defined())
        by_logits.scatter_add_(1, words.ids, q.neg());
      else
        by_logits.sub_(q);
      by_logits.mul_((weights / softening.temperature).unsqueeze(1));
      add_gradients(student, by_logits, first, gradients);
    }
    if (want_gradient)
      context->save_for_backward({gradients.hidden, gradients.weight, gradients.bias});
    return sum;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto scaled = [&](std::size_t index) {
      const at::Tensor& gradient = saved[index];
      return gradient.defined() ? gradient * gradients[0].to(gradient.scalar_type()) : at::Tensor();
    };
    return {scaled(0), scaled(1), scaled(2), {}, {}, {}, {}};
  }

 private:
  static void add_gradients(const SoftmaxOutput& student, const at::Tensor& by_logits,
                            std::int64_t first, DistillationGradients& gradients) {
    const at::Tensor cast = by_logits.to(student.hidden.scalar_type());
    const std::int64_t count = by_logits.size(0);
    gradients.hidden.narrow(0, first, count).copy_(at::mm(cast, student.weight));
    gradients.weight.add_(at::mm(cast.t(), student.hidden.narrow(0, first, count)));
    if (gradients.bias.defined()) gradients.bias.add_(by_logits.sum(0));
  }
};

}  // namespace

at::Tensor softmax_distillation(const SoftmaxOutput& student, const SoftmaxOutput& teacher,
                                const at::Tensor& row_weights, const Softening& softening) {
  const bool want_gradient = at::GradMode::is_enabled() &&
                             (student.hidden.requires_grad() || student.weight.requires_grad());
  return SoftmaxDistillation::apply(
      student.hidden, student.weight,
      student.bias.defined() ? std::optional(student.bias) : std::nullopt, teacher, row_weights,
      softening, want_gradient);
}

}  // namespace dragoman
