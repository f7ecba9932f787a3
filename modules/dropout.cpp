#include "dragoman/modules/dropout.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <mutex>
#include <optional>

#include "dragoman/modules/kernels/dropout.h"

namespace dragoman {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

std::uint64_t draw_seed() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
}

/// Threads take whole blocks of elements.
template <class Work>
void for_blocks(std::int64_t elements, const Work& work) {
  constexpr std::int64_t kBlock = kernels::kDropoutBlock;
  at::parallel_for(0, (elements + kBlock - 1) / kBlock, 4,
                   [&](std::int64_t begin, std::int64_t end) {
                     work(begin * kBlock, std::min(end * kBlock, elements));
                   });
}

/// As the kernels see the numbers of a tensor.
template <class Number>
Number* numbers(const at::Tensor& x) {
  return static_cast<Number*>(x.data_ptr());
}

template <class Number>
at::Tensor drop(const at::Tensor& x, kernels::DropoutMask mask) {
  const at::Tensor out = at::empty_like(x);
  for_blocks(x.numel(), [&](std::int64_t begin, std::int64_t end) {
    kernels::drop(numbers<const Number>(x), numbers<Number>(out), begin, end, mask);
  });
  return out;
}

template <class Number>
at::Tensor drop_and_add(const at::Tensor& residual, const at::Tensor& x,
                        kernels::DropoutMask mask) {
  const at::Tensor out = at::empty_like(x);
  for_blocks(x.numel(), [&](std::int64_t begin, std::int64_t end) {
    kernels::drop_and_add(numbers<const Number>(residual), numbers<const Number>(x),
                          numbers<Number>(out), begin, end, mask);
  });
  return out;
}

/// `residual` undefined: only dropout.
at::Tensor run_kernel(const at::Tensor& residual, const at::Tensor& x, kernels::DropoutMask mask) {
  const at::Tensor in = x.contiguous();
  const bool is_float = x.scalar_type() == at::kFloat;
  if (!residual.defined())
    return is_float ? drop<float>(in, mask) : drop<kernels::BFloat16>(in, mask);
  const at::Tensor sum = residual.contiguous();
  return is_float ? drop_and_add<float>(sum, in, mask)
                  : drop_and_add<kernels::BFloat16>(sum, in, mask);
}

class DropoutFunction : public torch::autograd::Function<DropoutFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const std::optional<at::Tensor>& residual,
                            const at::Tensor& x, double probability, std::int64_t seed) {
    context->saved_data["probability"] = probability;
    context->saved_data["seed"] = seed;
    context->saved_data["residual"] = residual.has_value();
    return run_kernel(residual.value_or(at::Tensor()), x,
                      kernels::dropout_mask(static_cast<std::uint64_t>(seed), probability));
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const kernels::DropoutMask mask =
        kernels::dropout_mask(static_cast<std::uint64_t>(context->saved_data["seed"].toInt()),
                              context->saved_data["probability"].toDouble());
    const at::Tensor to_residual =
        context->saved_data["residual"].toBool() ? gradients[0] : at::Tensor();
    return {to_residual, run_kernel({}, gradients[0], mask), {}, {}};
  }
};

bool has_kernel(const at::Tensor& x) {
  return x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

}  // namespace

at::Tensor dropout(const at::Tensor& x, double probability) {
  if (probability == 0.0) return x;
  if (!has_kernel(x)) return at::dropout(x, probability, true);
  return DropoutFunction::apply(std::optional<at::Tensor>(), x, probability,
                                static_cast<std::int64_t>(draw_seed()));
}

at::Tensor add_dropout(const at::Tensor& residual, const at::Tensor& x, double probability) {
  if (probability == 0.0) return residual + x;
  if (!has_kernel(x)) return residual + at::dropout(x, probability, true);
  TORCH_CHECK(residual.sizes() == x.sizes() && residual.scalar_type() == x.scalar_type(),
              "add_dropout: residual and x differ in shape or type");
  return DropoutFunction::apply(std::optional(residual), x, probability,
                                static_cast<std::int64_t>(draw_seed()));
}

at::Tensor drop_rows(const at::Tensor& x, double probability) {
  if (probability == 0.0) return x;
  const at::Tensor ones = at::ones({x.size(0), x.size(1), 1}, x.options().requires_grad(false));
  return x * (dropout(ones, probability) != 0).to(x.scalar_type());
}

std::vector<bool> draw_dropped_layers(std::size_t layers, double probability) {
  std::vector<bool> dropped(layers, false);
  if (probability == 0.0) return dropped;
  const at::Tensor numbers = at::rand({static_cast<std::int64_t>(layers)}, at::kDouble);
  for (std::size_t layer = 0; layer < layers; ++layer)
    dropped[layer] = numbers.const_data_ptr<double>()[layer] < probability;
  return dropped;
}

}  // namespace dragoman
