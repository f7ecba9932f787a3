#include "dragoman/modules/softmax_divergence.h"

#include <ATen/ATen.h>

#include "tests/support/catch.h"
#include "tests/support/close.h"

using dragoman_test::difference;

namespace {

struct Passes {
  at::Tensor first, second, weight, bias, first_weights, second_weights;
  [[nodiscard]] std::vector<at::Tensor> all() const {
    return {first, second, weight, bias, first_weights, second_weights};
  }
};

Passes random_passes(std::int64_t rows, std::int64_t words) {
  at::manual_seed(3);
  const auto leaf = [](const at::Tensor& x) { return x.detach().requires_grad_(); };
  return {
      leaf(at::randn({rows, 12})), leaf(at::randn({rows, 12})), leaf(at::randn({words, 12}) * 0.3),
      leaf(at::randn({words})),    leaf(at::rand({rows})),      leaf(at::rand({rows}))};
}

Passes doubles(const Passes& passes) {
  const auto wide = [](const at::Tensor& x) { return x.detach().to(at::kDouble).requires_grad_(); };
  return {wide(passes.first), wide(passes.second),        wide(passes.weight),
          wide(passes.bias),  wide(passes.first_weights), wide(passes.second_weights)};
}

/// LibTorch's own divergence of both directions, in double precision.
at::Tensor reference(const Passes& x) {
  const at::Tensor p = at::log_softmax(at::linear(x.first, x.weight, x.bias), -1);
  const at::Tensor q = at::log_softmax(at::linear(x.second, x.weight, x.bias), -1);
  const at::Tensor forward = at::kl_div(q, p, at::Reduction::None, /*log_target=*/true).sum(-1);
  const at::Tensor backward = at::kl_div(p, q, at::Reduction::None, /*log_target=*/true).sum(-1);
  return (forward * x.first_weights + backward * x.second_weights).sum();
}

}  // namespace

TEST_CASE("the divergence of two softmax outputs and its gradients", "[divergence]") {
  // The last is cut into several chunks of rows.
  for (const auto& [rows, words] : {std::pair(1, 5), std::pair(70, 9), std::pair(150, 40000)}) {
    CAPTURE(rows, words);
    const Passes passes = random_passes(rows, words);
    const Passes exact = doubles(passes);
    const at::Tensor expected = reference(exact);
    (expected * 0.5).backward();
    const at::Tensor actual =
        dragoman::softmax_divergence({passes.first, passes.second}, passes.weight, passes.bias,
                                     {passes.first_weights, passes.second_weights});
    (actual * 0.5).backward();
    CHECK(difference(actual, expected, 1e-5) == "");
    for (std::size_t part = 0; part < passes.all().size(); ++part) {
      CAPTURE(part);
      CHECK(difference(passes.all()[part].grad(), exact.all()[part].grad(), 2e-5) == "");
    }
  }
}

TEST_CASE("distributions with impossible words have finite divergences", "[divergence]") {
  const at::Tensor scores = at::tensor({1.0, 2.0, 0.5}, at::kDouble).log().unsqueeze(0);
  const at::Tensor padding =
      at::full({1, 2}, -std::numeric_limits<double>::infinity(), at::kDouble);
  const at::Tensor log_p = at::log_softmax(at::cat({scores, padding}, 1), -1).requires_grad_();
  const at::Tensor log_q = at::log_softmax(at::cat({scores.flip(1), padding}, 1), -1);
  const dragoman::TwoPasses both = dragoman::divergences(log_p, log_q);
  // p = (2, 4, 1) / 7, q = (1, 4, 2) / 7: both directions are log 2 / 7
  CHECK(both.first.item<double>() == Approx(std::log(2.0) / 7));
  CHECK(both.second.item<double>() == Approx(std::log(2.0) / 7));
  both.first.sum().backward();
  CHECK(log_p.grad().isfinite().all().item<bool>());
}
